#include "api/reload_status.h"

#include "api/admin_json.h"
#include "api/executor_name.h"

namespace agw::api {
namespace {

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
      {"loaded_at", unixSeconds(status.loaded_at)},
      {"attempt_count", status.attempts},
      {"success_count", status.successes},
      {"failure_count", status.failures},
      {"last_attempt_at", unixSeconds(status.last_attempt_at)},
      {"last_failure_at", unixSeconds(status.last_failure_at)},
      {"last_trigger", status.last_trigger},
      {"last_duration_seconds", secondsOf(status.last_duration)},
      {"last_swap_seconds", secondsOf(status.last_swap)},
      {"last_errors", status.last_errors},
      {"last_error", status.last_errors.empty() ? Json(nullptr) : Json(status.last_errors.front())},
      {"last_warnings", status.warnings},
      {"last_diff", describe(status.last_diff)}};
  return sendAdminJson(context, dumpJson({{"executor", executorName()},
                                          {"watching", parts.service.reload->isWatching()},
                                          {"gateway", std::move(gateway)}}));
}

}  // namespace agw::api
