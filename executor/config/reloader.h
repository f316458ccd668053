// Takes a changed configuration into use: load, check, swap; a bad one leaves what runs as it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/deadline.h"
#include "config/load.h"
#include "config/settings_diff.h"
#include "telemetry/log.h"

namespace agw::config {

// Times are Unix milliseconds; 0: never.
struct ReloadStatus {
  std::uint64_t generation = 1;  // of what runs; the one of the start is 1
  std::uint64_t attempts = 0;
  std::uint64_t successes = 0;  // that changed something or not
  std::uint64_t failures = 0;
  std::int64_t loaded_at = 0;
  std::int64_t last_attempt_at = 0;
  std::int64_t last_failure_at = 0;
  std::chrono::microseconds last_duration{0};  // load and swap
  std::chrono::microseconds last_swap{0};      // of the last version that came into use
  std::string last_trigger;                    // "file", "signal", "request"
  bool is_last_good = true;
  std::vector<std::string> last_errors;  // of the last attempt, when it failed
  std::vector<std::string> warnings;     // of what runs
  SettingsDiff last_diff;                // of the last success
};

// Loads and swaps on one thread; status() on any.
class Reloader {
 public:
  using Load = std::function<LoadResult()>;
  // Puts the settings into use everywhere, before it returns.
  using Apply = std::function<void(std::shared_ptr<const Settings>, std::uint64_t generation)>;

  // `settings` run already; `first` is how they were loaded.
  Reloader(std::shared_ptr<const Settings> settings, const LoadResult& first, Load load,
           Apply apply, telemetry::Log& log);

  // Hears of the problems of each version that is refused, on the thread of reload().
  void onRefused(std::function<void(const std::vector<std::string>&)> heard) {
    refused_ = std::move(heard);
  }

  // What does not change at run time (server.listen and the like) stays as it is.
  ReloadStatus reload(const std::string& trigger);
  // That the last load looked at. On the thread of reload().
  const std::vector<SeenFile>& files() const { return files_; }
  ReloadStatus status() const;
  std::shared_ptr<const Settings> settings() const;  // in use; any thread

 private:
  void fail(const LoadResult& result, ReloadStatus& status);
  void succeed(LoadResult result, ReloadStatus& status);

  std::shared_ptr<const Settings> current_;
  Load load_;
  Apply apply_;
  std::function<void(const std::vector<std::string>&)> refused_ = [](const auto&) {};
  telemetry::Log& log_;
  std::vector<SeenFile> files_;
  mutable std::mutex mutex_;
  ReloadStatus status_;
};

}  // namespace agw::config
