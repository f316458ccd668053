#include "bench/load/samples.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace agent_load {
namespace {

constexpr double kTenthsPerMicrosecond = 10;
constexpr std::int64_t kNanosecondsPerTenth = 100;

}  // namespace

void Samples::add(std::chrono::nanoseconds duration) {
  if (kept_ == max_kept_) {
    ++not_kept_;
    return;
  }
  if (kept_ % kBlock == 0) blocks_.emplace_back().reserve(kBlock);
  const std::int64_t tenths = (duration.count() + kNanosecondsPerTenth / 2) / kNanosecondsPerTenth;
  constexpr std::int64_t kMax = std::numeric_limits<std::uint32_t>::max();
  blocks_.back().push_back(static_cast<std::uint32_t>(std::clamp(tenths, std::int64_t{0}, kMax)));
  ++kept_;
}

Summary Samples::summary() const {
  Summary result;
  result.count = kept_;
  result.not_kept = not_kept_;
  if (kept_ == 0) return result;
  std::vector<std::uint32_t> sorted;
  sorted.reserve(kept_);
  for (const auto& block : blocks_) sorted.insert(sorted.end(), block.begin(), block.end());
  std::sort(sorted.begin(), sorted.end());
  const auto percentile = [&sorted](std::size_t percent) {
    const std::size_t rank = (sorted.size() * percent + 99) / 100;  // from 1
    return sorted[rank - 1] / kTenthsPerMicrosecond;
  };
  const auto sum = std::accumulate(sorted.begin(), sorted.end(), std::uint64_t{0});
  result.mean = static_cast<double>(sum) / static_cast<double>(kept_) / kTenthsPerMicrosecond;
  result.p50 = percentile(50);
  result.p90 = percentile(90);
  result.p95 = percentile(95);
  result.p99 = percentile(99);
  result.max = sorted.back() / kTenthsPerMicrosecond;
  return result;
}

}  // namespace agent_load
