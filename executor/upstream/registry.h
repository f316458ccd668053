// The configured upstreams, built once a thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <string>

#include "config/settings.h"
#include "io/http_client.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "upstream/endpoint_pool.h"
#include "upstream/shared_state.h"

namespace agw::upstream {

// All of it outlives the registry.
struct Surroundings {
  SharedState& states;  // of the process
  telemetry::MetricsShard& metrics;
  telemetry::Log& log;
};

class Registry {
 public:
  // `settings` outlives the registry. An upstream with a ca_file gets an HTTP client of its own.
  // `previous`, if there is one: its clients, with their open connections, serve on.
  Registry(net::io_context& context, const config::Settings& settings, Surroundings around,
           const Registry* previous = nullptr);

  // One upstream, for its plain models. nullptr: there is none of that name.
  ChatBackend* find(const std::string& name) const;
  // All upstreams of an agent of the settings as one. nullptr: it has none.
  ChatBackend* find(const config::AgentSettings& agent) const;
  // Of an upstream of the settings.
  const UpstreamState& stateOf(const std::string& name) const {
    return endpoints_.at(name)->state();
  }

 private:
  io::HttpClient& clientFor(net::io_context& context, const std::string& ca_pem,
                            Surroundings around, const Registry* previous);
  void addPool(const config::AgentSettings& agent, Surroundings around);

  std::map<std::string, std::shared_ptr<io::HttpClient>> clients_;  // by ca_pem
  std::map<std::string, std::unique_ptr<Endpoint>> endpoints_;
  std::map<std::string, std::unique_ptr<EndpointPool>> single_;  // by upstream
  std::map<std::string, std::unique_ptr<EndpointPool>>
      of_agent_;  // by id: what is not one of those
};

}  // namespace agw::upstream
