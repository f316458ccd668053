#include "api/reload_status.h"

#include "api/executor_name.h"
#include "base/json_reader.h"

namespace agw::api {
namespace {

Json timeOf(std::int64_t unix_millis) {
  return unix_millis == 0 ? Json(nullptr) : Json(static_cast<double>(unix_millis) / 1000);
}

Json describe(const config::SettingsDiff& diff) {
  return {{"added", diff.added},
          {"changed", diff.changed},
          {"removed", diff.removed},
          {"needs_restart", diff.needs_restart}};
}

}  // namespace

net::awaitable<Result<void>> reloadStatus(RequestContext& context, const ThreadParts& parts) {
  const config::ReloadStatus status = parts.service.reload->status();
  Json gateway = {
      {"generation", status.generation},
      {"loaded_at", timeOf(status.loaded_at)},
      {"attempt_count", status.attempts},
      {"success_count", status.successes},
      {"failure_count", status.failures},
      {"last_attempt_at", timeOf(status.last_attempt_at)},
      {"last_failure_at", timeOf(status.last_failure_at)},
      {"last_trigger", status.last_trigger},
      {"last_duration_seconds", static_cast<double>(status.last_duration.count()) / 1000},
      {"last_errors", status.last_errors},
      {"last_error", status.last_errors.empty() ? Json(nullptr) : Json(status.last_errors.front())},
      {"last_warnings", status.warnings},
      {"last_diff", describe(status.last_diff)}};
  return sendAdminJson(context, dumpJson({{"executor", executorName()},
                                          {"watching", parts.service.reload->isWatching()},
                                          {"gateway", std::move(gateway)}}));
}

}  // namespace agw::api
