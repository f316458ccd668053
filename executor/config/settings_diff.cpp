#include "config/settings_diff.h"

#include <map>

namespace agw::config {
namespace {

template <class Value>
void compare(const std::string& kind, const std::map<std::string, Value>& before,
             const std::map<std::string, Value>& after, SettingsDiff& diff) {
  for (const auto& [name, value] : after) {
    const auto old = before.find(name);
    if (old == before.end()) {
      diff.added.push_back(kind + ' ' + name);
    } else if (!(old->second == value)) {
      diff.changed.push_back(kind + ' ' + name);
    }
  }
  for (const auto& [name, value] : before) {
    if (!after.contains(name)) diff.removed.push_back(kind + ' ' + name);
  }
}

std::map<std::string, AgentSettings> byId(const std::vector<AgentSettings>& agents) {
  std::map<std::string, AgentSettings> all;
  for (const AgentSettings& agent : agents) all.emplace(agent.id, agent);
  return all;
}

}  // namespace

SettingsDiff diffSettings(const Settings& before, const Settings& after) {
  SettingsDiff diff;
  compare("upstream", before.upstreams, after.upstreams, diff);
  compare("mcp_server", before.mcp_servers, after.mcp_servers, diff);
  compare("tool", before.tools, after.tools, diff);
  compare("alias", before.aliases, after.aliases, diff);
  compare("agent", byId(before.agents), byId(after.agents), diff);
  const auto restart = [&diff](bool is_changed, const char* key) {
    if (is_changed) diff.needs_restart.emplace_back(key);
  };
  restart(before.server.listen != after.server.listen, "server.listen");
  restart(before.server.threads != after.server.threads, "server.threads");
  restart(before.server.edge_secret_file != after.server.edge_secret_file,
          "server.edge_secret_file");
  restart(before.server.max_open_requests != after.server.max_open_requests,
          "server.max_open_requests");
  restart(before.server.max_request_memory != after.server.max_request_memory,
          "server.max_request_memory");
  restart(before.server.metrics_listen != after.server.metrics_listen, "server.metrics_listen");
  restart(before.log.file != after.log.file, "log.file");
  restart(before.log.level != after.log.level, "log.level");
  return diff;
}

}  // namespace agw::config
