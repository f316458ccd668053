#include "tool/tool_set.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "base/parallel.h"
#include "tool/http_tool.h"
#include "tool/mcp_tool.h"

namespace agw::tool {
namespace {

constexpr std::size_t kSessionsAtOnce = 32;

}  // namespace

ToolSet::ToolSet(net::io_context& context, io::HttpClient& client, const config::Settings& settings,
                 telemetry::Log& log, const ToolSet* previous) {
  for (const auto& [name, server] : settings.mcp_servers) {
    if (!server.error.empty()) continue;
    if (previous != nullptr) {
      const auto known = previous->servers_.find(name);
      if (known != previous->servers_.end() && known->second.settings == server) {
        servers_.insert(*known);
        continue;
      }
    }
    servers_.insert({name, {server, mcp::makeHttpSession(context, client, server, log)}});
  }
  for (const auto& [key, tool] : settings.tools) {
    if (!tool.error.empty()) continue;
    switch (tool.provider) {
      case config::ToolProvider::Http:
        tools_.emplace(key, std::make_unique<HttpTool>(tool, client, log));
        break;
      case config::ToolProvider::Mcp: {
        const auto server = servers_.find(tool.mcp_server);
        if (server == servers_.end()) break;  // it has an error of its own
        tools_.emplace(key, std::make_unique<McpTool>(tool, *server->second.session, log));
        break;
      }
      case config::ToolProvider::Local:
        break;  // runs in a worker process, which this set does not start
    }
  }
}

Tool* ToolSet::find(const std::string& key) const {
  const auto tool = tools_.find(key);
  return tool == tools_.end() ? nullptr : tool->second.get();
}

std::map<std::string, mcp::SessionStatus> ToolSet::servers() const {
  std::map<std::string, mcp::SessionStatus> all;
  for (const auto& [name, server] : servers_) all.emplace(name, server.session->status());
  return all;
}

net::awaitable<void> ToolSet::refresh(Deadline deadline) const {
  std::vector<std::shared_ptr<mcp::Session>> sessions;
  for (const auto& [name, server] : servers_) sessions.push_back(server.session);
  const std::function<net::awaitable<void>(std::size_t)> refresh_one =
      [&sessions, deadline](std::size_t i) -> net::awaitable<void> {
    co_await sessions[i]->refreshTools(deadline);
  };
  co_await forEachParallel(sessions.size(), kSessionsAtOnce, refresh_one);
}

net::awaitable<void> ToolSet::close() {
  tools_.clear();
  std::vector<std::shared_ptr<mcp::Session>> sessions;
  for (auto& [name, server] : servers_) {
    if (server.session.use_count() == 1) sessions.push_back(std::move(server.session));
  }
  // Given up now, so that the last of several sets that close at once knows that it is the last.
  servers_.clear();
  const std::function<net::awaitable<void>(std::size_t)> close_one = [&sessions](std::size_t i) {
    return sessions[i]->close();
  };
  co_await forEachParallel(sessions.size(), std::max<std::size_t>(sessions.size(), 1), close_one);
}

}  // namespace agw::tool
