// Durations of one kind, all of them kept so that percentiles are exact.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace agent_load {

// Microseconds. A percentile is the smallest sample that at least so many percent do not exceed.
struct Summary {
  std::uint64_t count = 0;
  std::uint64_t not_kept =
      0;  // samples beyond the bound: the figures are of the first `count` ones
  double mean = 0, p50 = 0, p90 = 0, p95 = 0, p99 = 0, max = 0;
};

class Samples {
 public:
  static constexpr std::size_t kMaxKept = 64u * 1024 * 1024;  // 256 MiB

  explicit Samples(std::size_t max_kept = kMaxKept) : max_kept_(max_kept) {}

  // Kept in tenths of a microsecond, 0 to 429 seconds; what is outside counts as the nearer end.
  void add(std::chrono::nanoseconds duration);
  std::size_t size() const { return kept_; }
  Summary summary() const;

 private:
  // Blocks of this many samples: no large copy falls into a measurement when more room is needed.
  static constexpr std::size_t kBlock = 16u * 1024;

  std::size_t max_kept_;
  std::size_t kept_ = 0;
  std::uint64_t not_kept_ = 0;
  std::vector<std::vector<std::uint32_t>> blocks_;
};

}  // namespace agent_load
