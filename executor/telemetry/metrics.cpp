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

std::string_view upstreamOutcomeName(UpstreamOutcome outcome) {
  static constexpr std::array<std::string_view, kUpstreamOutcomes> kNames = {
      "ok",     "rate_limited", "timeout", "unreachable", "auth",       "refused",
      "failed", "truncated",    "invalid", "cancelled",   "overloaded", "circuit_open"};
  return kNames[static_cast<std::size_t>(outcome)];
}

void UpstreamCounts::add(const UpstreamCounts& other) {
  for (std::size_t i = 0; i < calls.size(); ++i) calls[i] += other.calls[i];
  retries += other.retries;
  failovers += other.failovers;
  durations.add(other.durations);
  headers.add(other.headers);
  first_tokens.add(other.first_tokens);
  prompt_tokens += other.prompt_tokens;
  completion_tokens += other.completion_tokens;
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
  for (const auto& [name, upstream] : other.upstreams) upstreams[name].add(upstream);
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

UpstreamCounts& MetricsShard::upstream(std::string_view name) {
  const auto found = counts_.upstreams.find(name);
  if (found != counts_.upstreams.end()) return found->second;
  const bool has_room = counts_.upstreams.size() < kMaxNames;
  return counts_.upstreams[std::string(has_room ? name : "other")];
}

void MetricsShard::addUpstreamCall(std::string_view upstream, const UpstreamCall& call) {
  const std::lock_guard lock(mutex_);
  UpstreamCounts& counts = this->upstream(upstream);
  ++counts.calls[static_cast<std::size_t>(call.outcome)];
  const bool was_asked =
      call.outcome != UpstreamOutcome::Overloaded && call.outcome != UpstreamOutcome::CircuitOpen;
  if (was_asked) counts.durations.add(call.seconds);
  if (call.header_seconds) counts.headers.add(*call.header_seconds);
  if (call.first_token_seconds) counts.first_tokens.add(*call.first_token_seconds);
  counts.prompt_tokens += call.prompt_tokens;
  counts.completion_tokens += call.completion_tokens;
}

void MetricsShard::addUpstreamRetry(std::string_view upstream) {
  const std::lock_guard lock(mutex_);
  ++this->upstream(upstream).retries;
}

void MetricsShard::addUpstreamFailover(std::string_view upstream) {
  const std::lock_guard lock(mutex_);
  ++this->upstream(upstream).failovers;
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
