#include "telemetry/log_sink.h"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/details/log_msg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "telemetry/log.h"

namespace agw::telemetry {
namespace {

constexpr int kReaderWaitMs = 200;
constexpr std::chrono::seconds kReportPause{1};
constexpr std::size_t kMostGathered = 64 << 10;
constexpr std::chrono::milliseconds kGatherTime{1};

int openLog(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0) {
    const std::string why = std::system_category().message(errno);
    throw std::runtime_error("cannot open the log file " + path + ": " + why);
  }
  return fd;
}

}  // namespace

LogSink::LogSink(const std::string& path)
    : fd_(path.empty() ? STDERR_FILENO : openLog(path)), owns_fd_(!path.empty()) {
  struct stat status {};
  may_block_ = ::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode);
}

LogSink::~LogSink() {
  writeGathered();
  if (owns_fd_) ::close(fd_);
}

void LogSink::setQueue(std::function<std::size_t()> waiting, std::function<std::size_t()> drops) {
  queue_waiting_ = std::move(waiting);
  queue_drops_ = std::move(drops);
}

void LogSink::log(const spdlog::details::log_msg& message) {
  reportDrops();
  gathered_.append(message.payload.data(), message.payload.size());
  gathered_ += '\n';
  ++gathered_lines_;
  const bool gather = !may_block_ && queue_waiting_ != nullptr;
  // What is queued comes here next, if only the end of the queue: flush() or the destructor.
  if (gather && gathered_.size() < kMostGathered && queue_waiting_() > 0) return;
  writeGathered();
  if (gather) std::this_thread::sleep_for(kGatherTime);
}

void LogSink::writeGathered() {
  if (!writeLine(gathered_)) lost_ += gathered_lines_;
  gathered_.clear();
  gathered_lines_ = 0;
}

void LogSink::flush() {
  writeGathered();
  next_report_ = {};
  reportDrops();
  const std::lock_guard lock(mutex_);
  ++flushes_;
  flushed_.notify_all();
}

std::uint64_t LogSink::flushes() const {
  const std::lock_guard lock(mutex_);
  return flushes_;
}

bool LogSink::waitForFlush(std::uint64_t at_least, std::chrono::milliseconds limit) const {
  std::unique_lock lock(mutex_);
  return flushed_.wait_for(lock, limit, [&] { return flushes_ >= at_least; });
}

// To a pipe in pieces of at most PIPE_BUF bytes: when it polls writable it takes that much without
// blocking.
bool LogSink::writeLine(std::string_view line) {
  while (!line.empty()) {
    if (!waitUntilWritable()) return false;
    const std::size_t piece =
        may_block_ ? std::min<std::size_t>(line.size(), PIPE_BUF) : line.size();
    const ssize_t written = ::write(fd_, line.data(), piece);
    if (written < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      return false;  // a full disk, a closed pipe: counted, there is nowhere to say it
    }
    line.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool LogSink::waitUntilWritable() {
  if (!may_block_) return true;
  pollfd poll_fd{fd_, POLLOUT, 0};
  int ready = 0;
  do {
    ready = ::poll(&poll_fd, 1, stuck_ ? 0 : kReaderWaitMs);
  } while (ready < 0 && errno == EINTR);
  stuck_ = ready == 0;
  return ready > 0;
}

void LogSink::reportDrops() {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_report_) return;
  next_report_ = now + kReportPause;
  const std::size_t dropped = lost_ + (queue_drops_ ? queue_drops_() : 0);
  if (dropped == reported_) return;
  std::string line = formatLogLine(formatTimestamp(std::chrono::system_clock::now()), Level::Warn,
                                   "log_lines_dropped", {{"count", dropped - reported_}});
  line += '\n';
  if (writeLine(line)) reported_ = dropped;
}

}  // namespace agw::telemetry
