// Where log lines end: one file descriptor, written by the logger's background thread only.
#pragma once

#include <spdlog/sinks/sink.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace agw::telemetry {

// Whole lines in one write(2), so that lines of several processes on one file do not mix. To a
// file, all that is queued goes out together, and then the next lines are left to gather for a
// millisecond: under load waking up for each line costs more than writing it. To a pipe or a
// terminal it is a write a line. A reader that stops reading costs one short wait, afterwards lines
// are dropped until it reads again; what was dropped, here or in the queue, is reported by a line
// of its own.
class LogSink final : public spdlog::sinks::sink {
 public:
  // "" is stderr. Throws std::runtime_error when the file cannot be opened.
  explicit LogSink(const std::string& path);
  ~LogSink() override;
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;

  // Both are called on the background thread. `waiting`: how many messages are queued now. `drops`,
  // at most once a second: how many lines the queue has dropped since the start.
  void setQueue(std::function<std::size_t()> waiting, std::function<std::size_t()> drops);

  void log(const spdlog::details::log_msg& message) override;
  void flush() override;
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

  // Flushes that have passed through the queue; every line queued before them is written.
  std::uint64_t flushes() const;
  // False: not reached in time.
  bool waitForFlush(std::uint64_t at_least, std::chrono::milliseconds limit) const;

 private:
  void writeGathered();
  bool writeLine(std::string_view line);
  bool waitUntilWritable();
  void reportDrops();

  int fd_;
  bool owns_fd_;
  bool may_block_ = true;           // no file, which is always writable: a pipe or a terminal
  bool stuck_ = false;              // the last wait for the reader was in vain
  std::string gathered_;            // whole lines
  std::size_t gathered_lines_ = 0;  // how many
  std::size_t lost_ = 0;            // lines that could not be written
  std::size_t reported_ = 0;
  std::chrono::steady_clock::time_point next_report_{};
  std::function<std::size_t()> queue_waiting_;
  std::function<std::size_t()> queue_drops_;

  mutable std::mutex mutex_;  // guards flushes_ alone
  mutable std::condition_variable flushed_;
  std::uint64_t flushes_ = 0;
};

// RFC 3339 in UTC with milliseconds: 2026-01-31T12:00:00.123Z.
std::string formatTimestamp(std::chrono::system_clock::time_point when);

}  // namespace agw::telemetry
