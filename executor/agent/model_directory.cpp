#include "agent/model_directory.h"

namespace agw::agent {

ModelDirectory::ModelDirectory(const config::Settings& settings) {
  for (const config::AgentSettings& agent : settings.agents) {
    entries_.push_back({agent.id, &agent, agent.upstream, agent.model});
  }
  for (const auto& [name, upstream] : settings.upstreams) {
    for (const std::string& model : upstream.models) {
      entries_.push_back({name + "/" + model, nullptr, name, model});
    }
  }
  by_id_.reserve(entries_.size());
  for (std::size_t i = 0; i < entries_.size(); ++i) by_id_.emplace(entries_[i].id, i);
}

const ModelEntry* ModelDirectory::find(std::string_view canonical) const {
  const auto found = by_id_.find(canonical);
  return found == by_id_.end() ? nullptr : &entries_[found->second];
}

}  // namespace agw::agent
