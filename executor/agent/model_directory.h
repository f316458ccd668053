// What a model id stands for: an agent or a plain model of an upstream, by its own id or by an
// alias. Immutable, shared by all threads.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/settings.h"
#include "upstream/health_checks.h"

namespace agw::agent {

struct ModelEntry {
  std::string id;                                // canonical
  const config::AgentSettings* agent = nullptr;  // nullptr: a plain model
  std::string upstream;
  std::string upstream_model;
  std::string alias_of;  // the canonical id that `id` is an alias of; empty: its own
};

class ModelDirectory {
 public:
  // `settings` outlives the directory. `discovered`: further plain models by upstream, of those
  // with `discover`; an id that is configured otherwise stays what it is.
  explicit ModelDirectory(const config::Settings& settings,
                          const upstream::DiscoveredModels& discovered = {});
  // nullptr: unknown. `canonical` comes from canonicalModelId.
  const ModelEntry* find(std::string_view canonical) const;
  // Agents in file order, then plain models by upstream, then aliases by id.
  const std::vector<ModelEntry>& all() const { return entries_; }

 private:
  std::vector<ModelEntry> entries_;
  std::unordered_map<std::string_view, std::size_t> by_id_;  // keys point into entries_
};

}  // namespace agw::agent
