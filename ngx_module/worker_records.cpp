#include "ngx_module/worker_records.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>

namespace agw {

std::optional<std::uint32_t> WorkerRecords::claim(std::uint32_t pid,
                                                  std::uint64_t start_time) noexcept {
  for (std::uint32_t i = 0; i < kMax; ++i) {
    if (records_[i].pid.load(std::memory_order_relaxed) == 0) {
      for (auto& count : records_[i].counts) {
        count.store(0, std::memory_order_relaxed);
      }
      records_[i].uploads.store(0, std::memory_order_relaxed);
      records_[i].start_time = start_time;
      if (used_.load(std::memory_order_relaxed) <= i) {
        used_.store(i + 1, std::memory_order_relaxed);
      }
      records_[i].pid.store(pid, std::memory_order_release);
      return i;
    }
  }
  return std::nullopt;
}

void WorkerRecords::release(std::uint32_t index) noexcept {
  WorkerRecord& record = records_[index];
  for (std::size_t i = 0; i < kCounters; ++i) {
    const auto from = i == static_cast<std::size_t>(Counter::ChatsEnded)
                          ? static_cast<std::size_t>(Counter::ChatsBegun)
                          : i;
    gone_[i] += record.counts[from].load(std::memory_order_relaxed);
  }
  record.pid.store(0, std::memory_order_release);
}

Counts WorkerRecords::totals() const noexcept {
  Counts totals = gone_;
  for (const WorkerRecord& record : records_) {
    if (record.pid.load(std::memory_order_acquire) != 0) {
      for (std::size_t i = 0; i < kCounters; ++i) {
        totals[i] += record.counts[i].load(std::memory_order_relaxed);
      }
    }
  }
  return totals;
}

std::size_t WorkerRecords::alive() const noexcept {
  std::size_t alive = 0;
  for (const WorkerRecord& record : records_) {
    alive += record.pid.load(std::memory_order_relaxed) != 0 ? 1 : 0;
  }
  return alive;
}

std::int64_t WorkerRecords::uploads() const noexcept {
  std::int64_t uploads = 0;
  for (std::uint32_t i = 0; i < used_.load(std::memory_order_relaxed); ++i) {
    if (records_[i].pid.load(std::memory_order_relaxed) != 0) {
      uploads += records_[i].uploads.load(std::memory_order_relaxed);
    }
  }
  return uploads;
}

std::optional<std::uint64_t> parseStartTime(std::string_view stat) noexcept {
  const std::size_t end_of_command = stat.rfind(')');
  if (end_of_command == std::string_view::npos) {
    return std::nullopt;
  }
  stat.remove_prefix(end_of_command + 1);
  constexpr int kFieldsBetween = 19;  // from the third field, the state, to the 22nd
  for (int field = 0; field <= kFieldsBetween; ++field) {
    const std::size_t start = stat.find_first_not_of(' ');
    if (start == std::string_view::npos) {
      return std::nullopt;
    }
    stat.remove_prefix(start);
    const std::string_view word = stat.substr(0, stat.find(' '));
    if (field == kFieldsBetween) {
      std::uint64_t value = 0;
      const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
      const bool is_number = error == std::errc{} && end != word.data();
      return is_number && value != 0 ? std::optional(value) : std::nullopt;
    }
    stat.remove_prefix(word.size());
  }
  return std::nullopt;
}

std::uint64_t startTimeOf(std::uint32_t pid) noexcept {
  std::array<char, 32> path;
  std::snprintf(path.data(), path.size(), "/proc/%u/stat", pid);
  const int file = ::open(path.data(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return 0;
  }
  std::array<char, 1024> text;
  const ssize_t size = ::read(file, text.data(), text.size());
  ::close(file);
  return size > 0 ? parseStartTime({text.data(), static_cast<std::size_t>(size)}).value_or(0) : 0;
}

bool isGone(std::uint32_t pid, std::uint64_t start_time) noexcept {
  if (::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH) {
    return true;
  }
  const std::uint64_t found = startTimeOf(pid);
  return found != 0 && start_time != 0 && found != start_time;
}

}  // namespace agw
