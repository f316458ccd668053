#include "api/tools.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "api/executor_name.h"
#include "base/json_reader.h"

namespace agw::api {
namespace {

// For MCP servers to list their tools, all side by side.
constexpr Millis kRefreshTime{10'000};

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

// What the server says of a tool: its description when the configuration has none, and whether it
// has it at all. Nothing as long as nobody has asked it.
void addFromServer(Json& entry, const config::ToolSettings& tool,
                   const std::map<std::string, mcp::SessionStatus>& servers) {
  const auto server = servers.find(tool.mcp_server);
  if (server == servers.end() || !server->second.tools) return;
  const std::vector<mcp::RemoteTool>& remote = *server->second.tools;
  const auto found = std::find_if(remote.begin(), remote.end(), [&](const mcp::RemoteTool& one) {
    return one.name == tool.mcp_method;
  });
  if (found == remote.end()) {
    entry["status"] = "error";
    entry["error"] =
        "the MCP server \"" + tool.mcp_server + "\" has no tool \"" + tool.mcp_method + "\"";
  } else if (tool.description.empty()) {
    entry["description"] = found->description;
  }
}

}  // namespace

net::awaitable<Result<void>> listTools(RequestContext& context, const ThreadParts& parts) {
  const auto servers = parts.tools->servers();
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
      if (tool.error.empty()) addFromServer(entry, tool, servers);
    }
    list.push_back(std::move(entry));
  }
  return sendAdminJson(context, dumpJson(list));
}

net::awaitable<Result<void>> refreshTools(RequestContext& context, const ThreadParts& parts) {
  const Deadline deadline = earlier(context.deadline, Deadline::in(kRefreshTime));
  const ThreadControl::Job job = [deadline](const ThreadParts& its,
                                            std::size_t) -> net::awaitable<void> {
    co_await its.tools->refresh(deadline);
  };
  co_await parts.service.threads->onEach(job);
  co_return co_await listTools(context, parts);
}

}  // namespace agw::api
