// Leaves an upstream alone that fails again and again. Pure: the caller says what time it is, and
// serialises the calls.
//
// Closed: every call goes. After so many failures in a row, or so large a share of failures within
// the window, it opens: no call goes. Some time later one goes, the probe (half open): when it
// succeeds, all is as before, when it fails, the time doubles.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/deadline.h"
#include "config/settings.h"

namespace agw::upstream {

enum class BreakerState { Closed, Open, HalfOpen };

class CircuitBreaker {
 public:
  // Of a call that may go. It is told how that ended once: by succeeded, failed or dropped.
  struct Pass {
    std::uint64_t period = 0;
    bool is_probe = false;
  };
  enum class Change { None, Opened, Closed };

  explicit CircuitBreaker(const config::BreakerSettings& settings) : settings_(settings) {}

  // A share says nothing about fewer calls than this.
  static constexpr std::uint64_t kLeastCalls = 20;

  std::optional<Pass> begin(Clock::time_point now);
  Change succeeded(Pass pass, Clock::time_point now);
  Change failed(Pass pass, Clock::time_point now);
  void dropped(Pass pass);  // it ended without a word about the upstream

  BreakerState state(Clock::time_point now) const;
  bool wouldRefuse(Clock::time_point now) const;
  Millis openFor(Clock::time_point now) const;  // until a probe may go; 0: now

 private:
  static constexpr std::size_t kSlots = 10;
  struct Slot {
    std::int64_t number = -1;  // since the clock's epoch
    std::uint64_t calls = 0;
    std::uint64_t failures = 0;
  };

  bool isCurrent(Pass pass) const { return pass.period == period_; }
  void count(Clock::time_point now, bool is_failure);
  bool isShareTooLarge(Clock::time_point now) const;
  std::int64_t slotNumber(Clock::time_point now) const;
  void open(Clock::time_point now);
  void close();

  config::BreakerSettings settings_;
  std::array<Slot, kSlots> slots_{};
  unsigned failures_in_a_row_ = 0;
  std::uint64_t period_ = 0;  // between two changes; what began in another one counts no more
  std::optional<Clock::time_point> open_until_;  // not closed
  Millis open_time_{0};                          // the last one
  bool is_probe_out_ = false;
};

}  // namespace agw::upstream
