// Clocks and medians.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace keys_bench {

inline std::int64_t nanosecondsOf(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// From its making on.
class Stopwatch {
 public:
  explicit Stopwatch(clockid_t clock = CLOCK_MONOTONIC)
      : clock_(clock), begin_(nanosecondsOf(clock)) {}
  double nanoseconds() const { return static_cast<double>(nanosecondsOf(clock_) - begin_); }

 private:
  clockid_t clock_;
  std::int64_t begin_;
};

// `values` is not empty.
inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace keys_bench
