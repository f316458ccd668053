#include "api/agents.h"

#include <utility>

#include "api/executor_name.h"
#include "base/json_reader.h"
#include "shared/model_id.h"

namespace agw::api {
namespace {

Json toolNames(const config::AgentSettings& agent, const config::Settings& settings) {
  Json names = Json::array();
  for (const std::string& key : agent.tools) names.push_back(settings.tools.at(key).name);
  return names;
}

Json upstreamList(const config::AgentSettings& agent) {
  Json list = Json::array();
  for (const config::AgentUpstream& upstream : agent.upstreams) {
    list.push_back({{"name", upstream.name}, {"model", upstream.model}});
  }
  return list;
}

Json describe(const config::AgentSettings& agent, const config::Settings& settings) {
  const std::string_view id = agent.id;
  const std::size_t slash = id.find('/');
  const std::string_view name = id.substr(slash + 1);
  return {
      {"name", name},
      {"namespace", id.substr(0, slash)},
      {"qualified_name", id},
      {"display_name", agent.display_name.empty() ? name : std::string_view(agent.display_name)},
      {"kind", agent.kind == config::AgentKind::Sdk ? "sdk" : "declarative"},
      {"model", agent.model},
      {"upstream", agent.upstreams.empty() ? "" : agent.upstreams.front().name},
      {"upstreams", upstreamList(agent)},
      {"description", agent.description},
      {"tools", toolNames(agent, settings)},
      {"metadata",
       agent.metadata_json.empty() ? Json::object() : parseJson(agent.metadata_json).value()},
      {"status", agent.error.empty() ? "ok" : "error"},
      {"error", agent.error.empty() ? Json(nullptr) : Json(agent.error)}};
}

net::awaitable<Result<void>> sendAgents(RequestContext& context, const config::Settings& settings) {
  Json list = Json::array();
  for (const config::AgentSettings& agent : settings.agents) {
    list.push_back(describe(agent, settings));
  }
  return sendAdminJson(context, dumpJson(list));
}

}  // namespace

net::awaitable<Result<void>> listAgents(RequestContext& context, const ThreadParts& parts) {
  return sendAgents(context, *parts.configuration->settings);
}

net::awaitable<Result<void>> refreshAgents(RequestContext& context, const ThreadParts& parts) {
  const config::ReloadStatus status = co_await parts.service.reload->reload();
  if (!status.is_last_good) {
    std::string message = "The configuration has problems; what was loaded before goes on. ";
    message += status.last_errors.front();
    if (status.last_errors.size() > 1) {
      message += " (and " + std::to_string(status.last_errors.size() - 1) + " more)";
    }
    co_return clientError(ErrorCode::ConfigurationInvalid, std::move(message));
  }
  co_return co_await sendAgents(context, *parts.service.reload->settings());
}

}  // namespace agw::api
