#include "api/router.h"

#include <array>

#include "api/admin_metrics.h"
#include "api/agent_errors.h"
#include "api/agents.h"
#include "api/chat_completions.h"
#include "api/health.h"
#include "api/mcp_servers.h"
#include "api/models.h"
#include "api/reload_status.h"
#include "api/tools.h"
#include "api/upstreams.h"

namespace agw::api {
namespace {

constexpr ScopeSet kAnyScope =
    scopeBit(Scope::Chat) | scopeBit(Scope::Mcp) | scopeBit(Scope::Runs) | scopeBit(Scope::Admin);

constexpr std::array kRoutes = {
    Route{"/v1/chat/completions", "POST", chatCompletions, true, scopeBit(Scope::Chat)},
    Route{"/v1/models", "GET", listModels, true, kAnyScope},
    Route{"/v1/models/*", "GET", getModel, true, kAnyScope},
    Route{"/tools", "GET", listTools, true, scopeBit(Scope::Admin)},
    Route{"/agents", "GET", listAgents, true, scopeBit(Scope::Admin)},
    Route{"/agents/refresh", "POST", refreshAgents, true, scopeBit(Scope::Admin)},
    Route{"/agents/errors", "GET", listAgentErrors, true, scopeBit(Scope::Admin)},
    Route{"/tools/refresh", "POST", refreshTools, true, scopeBit(Scope::Admin)},
    Route{"/upstreams", "GET", listUpstreams, true, scopeBit(Scope::Admin)},
    Route{"/upstreams/refresh", "POST", refreshUpstreams, true, scopeBit(Scope::Admin)},
    Route{"/mcp/servers", "GET", listMcpServers, true, scopeBit(Scope::Admin)},
    Route{"/admin/metrics", "GET", adminMetrics, true, scopeBit(Scope::Admin)},
    Route{"/admin/reload", "GET", reloadStatus, true, scopeBit(Scope::Admin)},
    Route{"/health", "GET", health, false, 0},
    Route{"/ready", "GET", ready, false, 0},
    Route{"/", "GET", health, true, 0},
};

bool matches(const Route& route, std::string_view path) {
  if (!route.path.ends_with('*')) return route.path == path;
  const std::string_view prefix = route.path.substr(0, route.path.size() - 1);
  return path.size() > prefix.size() && path.starts_with(prefix);
}

}  // namespace

RouteMatch findRoute(std::string_view method, std::string_view path) {
  RouteMatch match;
  for (const Route& route : kRoutes) {
    if (!matches(route, path)) continue;
    match.allowed = route.method;
    if (route.method == method || (route.method == "GET" && method == "HEAD")) {
      match.route = &route;
      return match;
    }
  }
  return match;
}

}  // namespace agw::api
