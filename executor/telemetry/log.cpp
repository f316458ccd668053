#include "telemetry/log.h"

#include <pthread.h>
#include <signal.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>

#include <chrono>
#include <mutex>

#include "telemetry/log_sink.h"

namespace agw::telemetry {
namespace {

constexpr std::size_t kQueuedLines = 4096;
constexpr std::chrono::milliseconds kFlushTry{500};
constexpr int kFlushTries = 4;

spdlog::level::level_enum spdlogLevel(Level level) {
  switch (level) {
    case Level::Debug:
      return spdlog::level::debug;
    case Level::Info:
      return spdlog::level::info;
    case Level::Warn:
      return spdlog::level::warn;
    case Level::Error:
      break;
  }
  return spdlog::level::err;
}

// Signals belong to the threads that wait for them.
void prepareThread() {
  pthread_setname_np(pthread_self(), "log");
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

class AsyncLog final : public Log {
 public:
  AsyncLog(const std::string& path, Level least)
      : sink_(std::make_shared<LogSink>(path)),
        queue_(std::make_shared<spdlog::details::thread_pool>(kQueuedLines, 1, prepareThread)),
        logger_(std::make_shared<spdlog::async_logger>(
            "agw", sink_, queue_, spdlog::async_overflow_policy::overrun_oldest)) {
    logger_->set_level(spdlogLevel(least));
    // Both are called on the queue's own thread, which the queue's destructor joins: the pointer is
    // good for as long as it is used, and an owning one could make that thread destroy (and join)
    // itself.
    sink_->setQueue([queue = queue_.get()] { return queue->queue_size(); },
                    [queue = queue_.get()] { return queue->overrun_counter(); });
  }

  // The queue's destructor writes what is queued and joins the thread. First, so that never that
  // thread is the last one to hold the logger.
  ~AsyncLog() override { queue_.reset(); }

  void write(Level level, std::string_view event, std::initializer_list<Field> fields) override {
    const auto spdlog_level = spdlogLevel(level);
    if (!logger_->should_log(spdlog_level)) return;
    const std::string line =
        formatLogLine(formatTimestamp(std::chrono::system_clock::now()), level, event, fields);
    logger_->log(spdlog_level, spdlog::string_view_t(line.data(), line.size()));
  }

  // A flush request may be overrun like any line, so it is repeated. One caller at a time, so that
  // it is its own request that is waited for.
  void flush() override {
    const std::lock_guard lock(flush_mutex_);
    const std::uint64_t goal = sink_->flushes() + 1;
    for (int i = 0; i < kFlushTries; ++i) {
      logger_->flush();
      if (sink_->waitForFlush(goal, kFlushTry)) return;
    }
  }

 private:
  std::mutex flush_mutex_;
  std::shared_ptr<LogSink> sink_;
  std::shared_ptr<spdlog::details::thread_pool> queue_;
  std::shared_ptr<spdlog::async_logger> logger_;
};

}  // namespace

std::unique_ptr<Log> makeLog(const std::string& path, Level least) {
  return std::make_unique<AsyncLog>(path, least);
}

}  // namespace agw::telemetry
