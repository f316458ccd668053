#include "api/agent_errors.h"

#include "api/admin_json.h"
#include "api/executor_name.h"

namespace agw::api {
namespace {

Json textOrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json describe(const telemetry::AgentError& error) {
  return {{"timestamp", unixSeconds(error.unix_millis)},
          {"event", error.event},
          {"message", error.message},
          {"request_id", textOrNull(error.request_id)},
          {"agent_id", textOrNull(error.agent_id)},
          {"module_path", textOrNull(error.module_path)},
          {"error_stage", error.error_stage},
          {"details", textOrNull(error.details)}};
}

}  // namespace

net::awaitable<Result<void>> listAgentErrors(RequestContext& context, const ThreadParts& parts) {
  Json list = Json::array();
  for (const telemetry::AgentError& error : parts.service.errors.newestFirst()) {
    list.push_back(describe(error));
  }
  return sendAdminJson(context, dumpJson(list));
}

}  // namespace agw::api
