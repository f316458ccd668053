#include "api/mcp_servers.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "api/executor_name.h"
#include "base/json_reader.h"

namespace agw::api {
namespace {

using mcp::SessionState;
using mcp::SessionStatus;

// Each thread has a session of its own.
using ThreadStatuses = std::vector<std::map<std::string, SessionStatus>>;

const char* transportName(config::McpTransport transport) {
  switch (transport) {
    case config::McpTransport::Http:
      return "http";
    case config::McpTransport::Stdio:
      return "stdio";
    case config::McpTransport::Sse:
      return "sse";
  }
  return "";
}

// The best that a thread has says whether the server can be used.
const char* stateName(const std::vector<SessionStatus>& sessions) {
  const auto any = [&sessions](SessionState state) {
    return std::any_of(sessions.begin(), sessions.end(),
                       [state](const SessionStatus& one) { return one.state == state; });
  };
  if (any(SessionState::Connected)) return "connected";
  if (any(SessionState::Connecting)) return "connecting";
  if (any(SessionState::Failed)) return "failed";
  return "idle";
}

std::vector<SessionStatus> sessionsOf(const std::string& name, const ThreadStatuses& threads) {
  std::vector<SessionStatus> found;
  for (const auto& statuses : threads) {
    if (const auto one = statuses.find(name); one != statuses.end()) found.push_back(one->second);
  }
  return found;
}

Json describe(const config::McpServerSettings& server, const std::vector<SessionStatus>& sessions) {
  Json entry = {{"name", server.name},
                {"transport", transportName(server.transport)},
                {"state", server.error.empty() ? stateName(sessions) : "error"},
                {"sessions", std::count_if(sessions.begin(), sessions.end(),
                                           [](const SessionStatus& one) {
                                             return one.state == SessionState::Connected;
                                           })},
                {"protocol_version", nullptr},
                {"tool_count", nullptr},
                {"last_error", server.error.empty() ? Json(nullptr) : Json(server.error)}};
  for (const SessionStatus& one : sessions) {
    if (!one.protocol_version.empty()) entry["protocol_version"] = one.protocol_version;
    if (one.tools) entry["tool_count"] = one.tools->size();
    if (!one.last_error.empty()) entry["last_error"] = one.last_error;
  }
  return entry;
}

}  // namespace

net::awaitable<Result<void>> listMcpServers(RequestContext& context, const ThreadParts& parts) {
  ThreadStatuses threads(parts.service.threads->count());
  const ThreadControl::Job job = [&threads](const ThreadParts& its,
                                            std::size_t thread) -> net::awaitable<void> {
    threads[thread] = its.tools->servers();
    co_return;
  };
  co_await parts.service.threads->onEach(job);
  Json list = Json::array();
  for (const auto& [name, server] : parts.configuration->settings->mcp_servers) {
    list.push_back(describe(server, sessionsOf(name, threads)));
  }
  co_return co_await sendAdminJson(context, dumpJson(list));
}

}  // namespace agw::api
