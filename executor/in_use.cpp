#include "in_use.h"

#include <map>
#include <string_view>
#include <utility>

namespace agw {

InUse::InUse(api::Service& service, std::shared_ptr<const config::Settings> first)
    : service_(service), current_(std::make_shared<const api::Configuration>(std::move(first), 1)) {
  noteUnavailable(nullptr, *current_->settings);
}

std::shared_ptr<const api::Configuration> InUse::loaded(
    std::shared_ptr<const config::Settings> settings, std::uint64_t generation,
    const upstream::DiscoveredModels& models) {
  noteUnavailable(current_->settings.get(), *settings);
  current_ = std::make_shared<const api::Configuration>(std::move(settings), generation, models);
  return current_;
}

std::shared_ptr<const api::Configuration> InUse::discovered(
    const upstream::DiscoveredModels& models) {
  current_ =
      std::make_shared<const api::Configuration>(current_->settings, current_->generation, models);
  return current_;
}

void InUse::refused(const std::vector<std::string>& problems) {
  for (const std::string& problem : problems) {
    telemetry::AgentError error;
    error.event = "reload.refused";
    error.message = problem;
    error.error_stage = "configuration";
    service_.errors.add(std::move(error));
  }
}

void InUse::noteUnavailable(const config::Settings* before, const config::Settings& now) {
  std::map<std::string_view, std::string_view> known;
  if (before != nullptr) {
    for (const config::AgentSettings& agent : before->agents) known[agent.id] = agent.error;
  }
  for (const config::AgentSettings& agent : now.agents) {
    if (agent.error.empty()) continue;
    const auto old = known.find(agent.id);
    if (old != known.end() && old->second == agent.error) continue;
    telemetry::AgentError error;
    error.event = "agent_unavailable";
    error.message = "The agent is configured but cannot run.";
    error.agent_id = agent.id;
    error.module_path = agent.module;
    error.error_stage = "build";
    error.details = agent.error;
    service_.errors.add(std::move(error));
  }
}

}  // namespace agw
