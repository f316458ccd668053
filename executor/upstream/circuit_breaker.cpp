#include "upstream/circuit_breaker.h"

#include <algorithm>

namespace agw::upstream {

std::optional<CircuitBreaker::Pass> CircuitBreaker::begin(Clock::time_point now) {
  if (wouldRefuse(now)) return std::nullopt;
  const bool is_probe = open_until_.has_value();
  is_probe_out_ = is_probe;
  return Pass{period_, is_probe};
}

CircuitBreaker::Change CircuitBreaker::succeeded(Pass pass, Clock::time_point now) {
  if (!isCurrent(pass)) return Change::None;
  if (pass.is_probe) {
    close();
    return Change::Closed;
  }
  failures_in_a_row_ = 0;
  count(now, false);
  return Change::None;
}

CircuitBreaker::Change CircuitBreaker::failed(Pass pass, Clock::time_point now) {
  if (!isCurrent(pass) || settings_.failures == 0) return Change::None;
  if (!pass.is_probe) {
    ++failures_in_a_row_;
    count(now, true);
    if (failures_in_a_row_ < settings_.failures && !isShareTooLarge(now)) return Change::None;
  }
  open(now);
  return Change::Opened;
}

void CircuitBreaker::dropped(Pass pass) {
  if (isCurrent(pass) && pass.is_probe) is_probe_out_ = false;
}

BreakerState CircuitBreaker::state(Clock::time_point now) const {
  if (!open_until_) return BreakerState::Closed;
  return now < *open_until_ ? BreakerState::Open : BreakerState::HalfOpen;
}

bool CircuitBreaker::wouldRefuse(Clock::time_point now) const {
  return open_until_ && (now < *open_until_ || is_probe_out_);
}

Millis CircuitBreaker::openFor(Clock::time_point now) const {
  return open_until_ ? Deadline{*open_until_}.remaining(now) : Millis(0);
}

void CircuitBreaker::count(Clock::time_point now, bool is_failure) {
  const std::int64_t number = slotNumber(now);
  Slot& slot = slots_[static_cast<std::size_t>(number) % kSlots];
  if (slot.number != number) slot = {number, 0, 0};
  ++slot.calls;
  slot.failures += is_failure ? 1 : 0;
}

bool CircuitBreaker::isShareTooLarge(Clock::time_point now) const {
  const std::int64_t oldest = slotNumber(now) - static_cast<std::int64_t>(kSlots) + 1;
  std::uint64_t calls = 0, failures = 0;
  for (const Slot& slot : slots_) {
    if (slot.number < oldest) continue;
    calls += slot.calls;
    failures += slot.failures;
  }
  return calls >= kLeastCalls && failures * 100 >= calls * settings_.failure_percent;
}

std::int64_t CircuitBreaker::slotNumber(Clock::time_point now) const {
  const auto slot = std::max<Clock::duration>(settings_.window / kSlots, Millis(1));
  return now.time_since_epoch() / slot;
}

void CircuitBreaker::open(Clock::time_point now) {
  open_time_ =
      open_until_ ? std::min(2 * open_time_, settings_.open_time_max) : settings_.open_time;
  open_until_ = now + open_time_;
  is_probe_out_ = false;
  ++period_;
}

void CircuitBreaker::close() {
  open_until_.reset();
  is_probe_out_ = false;
  failures_in_a_row_ = 0;
  slots_.fill({});
  ++period_;
}

}  // namespace agw::upstream
