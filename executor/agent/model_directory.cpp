#include "agent/model_directory.h"

#include <algorithm>
#include <utility>

namespace agw::agent {

ModelDirectory::ModelDirectory(const config::Settings& settings,
                               const upstream::DiscoveredModels& discovered) {
  for (const config::AgentSettings& agent : settings.agents) {
    ModelEntry entry{agent.id, &agent, "", "", ""};
    if (!agent.upstreams.empty()) {
      entry.upstream = agent.upstreams.front().name;
      entry.upstream_model = agent.upstreams.front().model;
    }
    entries_.push_back(std::move(entry));
  }
  for (const auto& [name, upstream] : settings.upstreams) {
    for (const std::string& model : upstream.models) {
      entries_.push_back({name + "/" + model, nullptr, name, model, ""});
    }
    const auto found = discovered.find(name);
    if (!upstream.discover || found == discovered.end()) continue;
    for (const std::string& model : found->second) {
      std::string id = name + "/" + model;
      const bool is_configured =
          settings.aliases.contains(id) ||
          std::find(upstream.models.begin(), upstream.models.end(), model) != upstream.models.end();
      if (!is_configured) entries_.push_back({std::move(id), nullptr, name, model, ""});
    }
  }
  // Keys of the map point into the entries: none may move once the first of them is in.
  entries_.reserve(entries_.size() + settings.aliases.size());
  by_id_.reserve(entries_.capacity());
  for (std::size_t i = 0; i < entries_.size(); ++i) by_id_.emplace(entries_[i].id, i);
  for (const auto& [id, alias] : settings.aliases) {
    const ModelEntry* const target = find(alias.target);
    if (target == nullptr) continue;  // a model that its upstream does not list (yet)
    ModelEntry entry = *target;
    entry.id = id;
    entry.alias_of = alias.target;
    entries_.push_back(std::move(entry));
    by_id_.emplace(entries_.back().id, entries_.size() - 1);
  }
}

const ModelEntry* ModelDirectory::find(std::string_view canonical) const {
  const auto found = by_id_.find(canonical);
  return found == by_id_.end() ? nullptr : &entries_[found->second];
}

}  // namespace agw::agent
