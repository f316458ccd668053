// What all threads of the process share of the upstreams: how many calls run, who waits, whether a
// breaker is open and what the last look found. It outlives a reload where the upstream is
// described as before.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "config/settings.h"
#include "io/name_resolver.h"
#include "upstream/circuit_breaker.h"
#include "upstream/concurrency_limit.h"

namespace agw::upstream {

// Of one upstream. Used from any thread.
class UpstreamState {
 public:
  explicit UpstreamState(const config::UpstreamSettings& settings);

  const config::UpstreamSettings& settings() const { return settings_; }
  ConcurrencyLimit& limit() { return limit_; }
  const ConcurrencyLimit& limit() const { return limit_; }

  // As those of CircuitBreaker.
  std::optional<CircuitBreaker::Pass> begin(Clock::time_point now);
  CircuitBreaker::Change succeeded(CircuitBreaker::Pass pass, Clock::time_point now);
  CircuitBreaker::Change failed(CircuitBreaker::Pass pass, Clock::time_point now);
  void dropped(CircuitBreaker::Pass pass);
  BreakerState breaker(Clock::time_point now) const;
  bool wouldRefuse(Clock::time_point now) const;
  Millis openFor(Clock::time_point now) const;

  // What a look found last; well until one says otherwise.
  void noteHealth(bool is_well) { is_unwell_ = !is_well; }
  bool isUnwell() const { return is_unwell_; }

 private:
  const config::UpstreamSettings settings_;
  ConcurrencyLimit limit_;
  mutable std::mutex mutex_;
  CircuitBreaker breaker_;
  std::atomic<bool> is_unwell_{false};
};

class SharedState {
 public:
  SharedState() : names_(std::make_shared<io::NameResolver>()) {}

  // The state of what is described so; a new one when it is described otherwise. It lives as long
  // as somebody holds it.
  std::shared_ptr<UpstreamState> of(const config::UpstreamSettings& settings);

  // What looks names up, for all HTTP clients of the process.
  const std::shared_ptr<io::NameResolver>& names() const { return names_; }

  // By name: those that were asked for last.
  std::map<std::string, std::shared_ptr<UpstreamState>> all() const;

 private:
  const std::shared_ptr<io::NameResolver> names_;
  mutable std::mutex mutex_;
  std::map<std::string, std::weak_ptr<UpstreamState>> states_;
};

}  // namespace agw::upstream
