#include "telemetry/metrics.h"

#include <algorithm>

namespace agw::telemetry {

void Timings::add(double seconds) {
  const auto* const bound = std::lower_bound(kBounds.begin(), kBounds.end(), seconds);
  ++buckets[static_cast<std::size_t>(bound - kBounds.begin())];
  least = count == 0 ? seconds : std::min(least, seconds);
  most = std::max(most, seconds);
  sum += seconds;
  ++count;
}

void Timings::add(const Timings& other) {
  if (other.count == 0) return;
  for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
  least = count == 0 ? other.least : std::min(least, other.least);
  most = std::max(most, other.most);
  sum += other.sum;
  count += other.count;
}

void Counts::add(const Counts& other) {
  for (const auto& [labels, number] : other.requests) requests[labels] += number;
  request_timings.add(other.request_timings);
  for (const auto& [name, tool] : other.tools) {
    ToolCounts& sum = tools[name];
    sum.provider = tool.provider;
    sum.ok += tool.ok;
    sum.errors += tool.errors;
    sum.timings.add(tool.timings);
  }
}

void MetricsShard::addRequest(bool is_streaming, int status, double seconds) {
  const std::lock_guard lock(mutex_);
  ++counts_.requests[{is_streaming, status}];
  counts_.request_timings.add(seconds);
}

void MetricsShard::addToolCall(std::string_view tool, std::string_view provider, Outcome outcome,
                               double seconds) {
  const std::lock_guard lock(mutex_);
  auto found = counts_.tools.find(tool);
  if (found == counts_.tools.end()) {
    const bool has_room = counts_.tools.size() < kMaxNames;
    found = counts_.tools.try_emplace(std::string(has_room ? tool : "other")).first;
    found->second.provider = has_room ? provider : "other";
  }
  ++(outcome == Outcome::Ok ? found->second.ok : found->second.errors);
  found->second.timings.add(seconds);
}

Counts MetricsShard::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

MetricsShard& Metrics::addShard() {
  const std::lock_guard lock(mutex_);
  return *shards_.emplace_back(std::make_unique<MetricsShard>());
}

Counts Metrics::counts() const {
  const std::lock_guard lock(mutex_);
  Counts all;
  for (const auto& shard : shards_) all.add(shard->counts());
  return all;
}

}  // namespace agw::telemetry
