#include "upstream/shared_state.h"

namespace agw::upstream {

UpstreamState::UpstreamState(const config::UpstreamSettings& settings)
    : settings_(settings),
      limit_(settings.max_concurrent, settings.max_queue),
      breaker_(settings.breaker) {}

std::optional<CircuitBreaker::Pass> UpstreamState::begin(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  return breaker_.begin(now);
}

CircuitBreaker::Change UpstreamState::succeeded(CircuitBreaker::Pass pass, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  return breaker_.succeeded(pass, now);
}

CircuitBreaker::Change UpstreamState::failed(CircuitBreaker::Pass pass, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  return breaker_.failed(pass, now);
}

void UpstreamState::dropped(CircuitBreaker::Pass pass) {
  const std::lock_guard lock(mutex_);
  breaker_.dropped(pass);
}

BreakerState UpstreamState::breaker(Clock::time_point now) const {
  const std::lock_guard lock(mutex_);
  return breaker_.state(now);
}

bool UpstreamState::wouldRefuse(Clock::time_point now) const {
  const std::lock_guard lock(mutex_);
  return breaker_.wouldRefuse(now);
}

Millis UpstreamState::openFor(Clock::time_point now) const {
  const std::lock_guard lock(mutex_);
  return breaker_.openFor(now);
}

std::shared_ptr<UpstreamState> SharedState::of(const config::UpstreamSettings& settings) {
  const std::lock_guard lock(mutex_);
  std::erase_if(states_, [](const auto& entry) { return entry.second.expired(); });
  std::shared_ptr<UpstreamState> state;
  if (const auto known = states_.find(settings.name); known != states_.end()) {
    state = known->second.lock();
  }
  if (state && state->settings() == settings) return state;
  state = std::make_shared<UpstreamState>(settings);
  states_[settings.name] = state;
  return state;
}

std::map<std::string, std::shared_ptr<UpstreamState>> SharedState::all() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::shared_ptr<UpstreamState>> all;
  for (const auto& [name, held] : states_) {
    if (auto state = held.lock()) all.emplace(name, std::move(state));
  }
  return all;
}

}  // namespace agw::upstream
