#include "upstream/registry.h"

#include <utility>

namespace agw::upstream {

Registry::Registry(net::io_context& context, const config::Settings& settings, Surroundings around,
                   const Registry* previous) {
  for (const auto& [name, upstream] : settings.upstreams) {
    io::HttpClient& client = clientFor(context, upstream.ca_pem, around, previous);
    auto endpoint = std::make_unique<Endpoint>(client, upstream, around.states.of(upstream),
                                               around.metrics, around.log);
    std::vector<EndpointPool::Member> alone = {{endpoint.get(), ""}};
    single_[name] = std::make_unique<EndpointPool>(std::move(alone), around.metrics, around.log);
    endpoints_[name] = std::move(endpoint);
  }
  for (const config::AgentSettings& agent : settings.agents) {
    const bool is_plain = agent.upstreams.size() == 1 && agent.upstreams[0].model == agent.model;
    if (!agent.upstreams.empty() && !is_plain) addPool(agent, around);
  }
}

io::HttpClient& Registry::clientFor(net::io_context& context, const std::string& ca_pem,
                                    Surroundings around, const Registry* previous) {
  auto& client = clients_[ca_pem];
  if (!client && previous != nullptr) {
    const auto known = previous->clients_.find(ca_pem);
    if (known != previous->clients_.end()) client = known->second;
  }
  if (!client) {
    client = io::makeHttpClient(context, {.ca_pem = ca_pem, .names = around.states.names()});
  }
  return *client;
}

void Registry::addPool(const config::AgentSettings& agent, Surroundings around) {
  std::vector<EndpointPool::Member> members;
  for (const config::AgentUpstream& upstream : agent.upstreams) {
    // The body of its calls names the agent's own model.
    const std::string model = upstream.model == agent.model ? "" : upstream.model;
    members.push_back({endpoints_.at(upstream.name).get(), model});
  }
  of_agent_[agent.id] =
      std::make_unique<EndpointPool>(std::move(members), around.metrics, around.log);
}

ChatBackend* Registry::find(const std::string& name) const {
  const auto found = single_.find(name);
  return found == single_.end() ? nullptr : found->second.get();
}

ChatBackend* Registry::find(const config::AgentSettings& agent) const {
  const auto several = of_agent_.find(agent.id);
  if (several != of_agent_.end()) return several->second.get();
  return agent.upstreams.empty() ? nullptr : find(agent.upstreams.front().name);
}

}  // namespace agw::upstream
