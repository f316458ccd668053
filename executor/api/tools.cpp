#include "api/tools.h"

#include <utility>

#include "api/executor_name.h"
#include "base/json_reader.h"

namespace agw::api {
namespace {

std::string_view providerName(config::ToolProvider provider) {
  switch (provider) {
    case config::ToolProvider::Http:
      return "http";
    case config::ToolProvider::Mcp:
      return "mcp";
    case config::ToolProvider::Local:
      return "local";
  }
  return "";
}

Json usersOf(const std::string& key, const config::Settings& settings) {
  Json agents = Json::array();
  for (const config::AgentSettings& agent : settings.agents) {
    for (const std::string& tool : agent.tools) {
      if (tool == key) agents.push_back(agent.id);
    }
  }
  return agents;
}

}  // namespace

net::awaitable<Result<void>> listTools(RequestContext& context, const ThreadParts& parts) {
  Json list = Json::array();
  for (const auto& [key, tool] : parts.configuration->settings->tools) {
    Json entry = {{"name", tool.name},
                  {"provider", providerName(tool.provider)},
                  {"description", tool.description},
                  {"agents", usersOf(key, *parts.configuration->settings)},
                  {"status", tool.error.empty() ? "ok" : "error"}};
    if (!tool.error.empty()) entry["error"] = tool.error;
    if (tool.provider == config::ToolProvider::Mcp) {
      entry["mcp_server"] = tool.mcp_server;
      entry["mcp_method"] = tool.mcp_method;
    }
    list.push_back(std::move(entry));
  }
  return sendAdminJson(context, dumpJson(list));
}

}  // namespace agw::api
