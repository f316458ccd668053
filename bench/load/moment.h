// One instant on both clocks: intervals are measured on the steady one, stamps of other programs on
// the real-time one.
#pragma once

#include <chrono>
#include <cstdint>

namespace agent_load {

using SteadyTime = std::chrono::steady_clock::time_point;

inline std::int64_t unixNanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

struct Moment {
  SteadyTime steady;
  std::int64_t unix_ns;

  static Moment now() { return {std::chrono::steady_clock::now(), unixNanoseconds()}; }
};

}  // namespace agent_load
