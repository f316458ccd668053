// Points in time until which something must be done. Monotonic clock.
#pragma once

#include <algorithm>
#include <chrono>

namespace agw {

using Clock = std::chrono::steady_clock;
using Millis = std::chrono::milliseconds;

struct Deadline {
  Clock::time_point at = Clock::time_point::max();

  static Deadline never() { return {}; }
  static Deadline in(Millis span) { return {Clock::now() + span}; }
  bool isSet() const { return at != Clock::time_point::max(); }
  bool expired(Clock::time_point now = Clock::now()) const { return now >= at; }
  Millis remaining(Clock::time_point now = Clock::now()) const {
    if (!isSet()) return Millis::max();
    return at <= now ? Millis(0) : std::chrono::ceil<Millis>(at - now);
  }
  friend Deadline earlier(Deadline a, Deadline b) { return {std::min(a.at, b.at)}; }
};

}  // namespace agw
