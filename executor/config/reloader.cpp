#include "config/reloader.h"

#include <chrono>
#include <utility>

namespace agw::config {
namespace {

using telemetry::Level;

std::int64_t unixMillis() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<Millis>(system_clock::now().time_since_epoch()).count();
}

std::chrono::microseconds since(Clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
}

std::vector<std::string> texts(const std::vector<Problem>& problems) {
  std::vector<std::string> all;
  for (const Problem& problem : problems) all.push_back(formatProblem(problem));
  return all;
}

std::string joined(const std::vector<std::string>& words) {
  constexpr std::size_t kMost = 20;  // in a log line
  std::string text;
  for (std::size_t i = 0; i < words.size() && i < kMost; ++i) {
    text += (i == 0 ? "" : ", ") + words[i];
  }
  if (words.size() > kMost) text += " and " + std::to_string(words.size() - kMost) + " more";
  return text;
}

}  // namespace

Reloader::Reloader(std::shared_ptr<const Settings> settings, const LoadResult& first, Load load,
                   Apply apply, telemetry::Log& log)
    : current_(std::move(settings)),
      load_(std::move(load)),
      apply_(std::move(apply)),
      log_(log),
      files_(first.files) {
  status_.loaded_at = unixMillis();
  status_.warnings = texts(first.warnings);
}

ReloadStatus Reloader::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

std::shared_ptr<const Settings> Reloader::settings() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

ReloadStatus Reloader::reload(const std::string& trigger) {
  ReloadStatus next = status();
  ++next.attempts;
  next.last_attempt_at = unixMillis();
  next.last_trigger = trigger;
  const auto begin = Clock::now();
  LoadResult result = load_();
  files_ = result.files;
  if (result.problems.empty()) {
    succeed(std::move(result), next);
  } else {
    fail(result, next);
  }
  next.last_duration = since(begin);
  const std::lock_guard lock(mutex_);
  status_ = std::move(next);
  return status_;
}

void Reloader::fail(const LoadResult& result, ReloadStatus& status) {
  ++status.failures;
  status.last_failure_at = status.last_attempt_at;
  status.is_last_good = false;
  status.last_errors = texts(result.problems);
  for (const std::string& error : status.last_errors) {
    log_.write(Level::Error, "reload.problem", {{"problem", error}});
  }
  refused_(status.last_errors);
  log_.write(Level::Error, "reload.refused",
             {{"trigger", status.last_trigger},
              {"problems", status.last_errors.size()},
              {"generation", status.generation}});
}

void Reloader::succeed(LoadResult result, ReloadStatus& status) {
  ++status.successes;
  status.is_last_good = true;
  status.last_errors.clear();
  status.warnings = texts(result.warnings);
  status.last_diff = diffSettings(*current_, result.settings);
  const ServerSettings& server = current_->server;
  result.settings.server.listen = server.listen;
  result.settings.server.threads = server.threads;
  result.settings.server.edge_secret_file = server.edge_secret_file;
  result.settings.server.max_open_requests = server.max_open_requests;
  result.settings.server.max_request_memory = server.max_request_memory;
  result.settings.server.metrics_listen = server.metrics_listen;
  result.settings.log = current_->log;
  if (!(*current_ == result.settings)) {
    auto next = std::make_shared<const Settings>(std::move(result.settings));
    const auto begin = Clock::now();
    apply_(next, ++status.generation);
    status.last_swap = since(begin);
    status.loaded_at = unixMillis();
    const std::lock_guard lock(mutex_);
    current_ = std::move(next);
  }
  for (const std::string& warning : status.warnings) {
    log_.write(Level::Warn, "config_warning", {{"problem", warning}});
  }
  log_.write(Level::Info, "reload.diff",
             {{"trigger", status.last_trigger},
              {"generation", status.generation},
              {"added", joined(status.last_diff.added)},
              {"changed", joined(status.last_diff.changed)},
              {"removed", joined(status.last_diff.removed)},
              {"needs_restart", joined(status.last_diff.needs_restart)}});
}

}  // namespace agw::config
