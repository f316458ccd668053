// The configuration that runs, and what its upstreams list: the two together are what models are
// served from. What went wrong on the way is noted among the errors of agents.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "api/snapshot.h"
#include "config/settings.h"
#include "upstream/health_checks.h"

namespace agw {

// Used by one thread at a time.
class InUse {
 public:
  InUse(api::Service& service, std::shared_ptr<const config::Settings> first);

  const std::shared_ptr<const api::Configuration>& current() const { return current_; }

  // Each gives what is to be used from then on.
  std::shared_ptr<const api::Configuration> loaded(std::shared_ptr<const config::Settings> settings,
                                                   std::uint64_t generation,
                                                   const upstream::DiscoveredModels& models);
  std::shared_ptr<const api::Configuration> discovered(const upstream::DiscoveredModels& models);

  void refused(const std::vector<std::string>& problems);

 private:
  // Agents that cannot run, and could, or were described otherwise, before.
  void noteUnavailable(const config::Settings* before, const config::Settings& now);

  api::Service& service_;
  std::shared_ptr<const api::Configuration> current_;
};

}  // namespace agw
