#include "api/admin_metrics.h"

#include <string>

#include "api/executor_name.h"
#include "base/json_reader.h"

namespace agw::api {
namespace {

using telemetry::Timings;

double averageMillis(const Timings& timings) {
  return timings.count == 0 ? 0 : 1000 * timings.sum / static_cast<double>(timings.count);
}

Json upstreamBreakdown(const telemetry::Counts& counts) {
  Json breakdown = Json::object();
  for (const auto& [name, upstream] : counts.upstreams) {
    std::uint64_t requests = 0;
    Json outcomes = Json::object();
    for (std::size_t i = 0; i < upstream.calls.size(); ++i) {
      requests += upstream.calls[i];
      if (upstream.calls[i] == 0) continue;
      const auto outcome = static_cast<telemetry::UpstreamOutcome>(i);
      outcomes[std::string(telemetry::upstreamOutcomeName(outcome))] = upstream.calls[i];
    }
    breakdown[name] = {{"requests", requests},
                       {"outcomes", std::move(outcomes)},
                       {"retries", upstream.retries},
                       {"failovers", upstream.failovers},
                       {"average_header_ms", averageMillis(upstream.headers)},
                       {"average_first_token_ms", averageMillis(upstream.first_tokens)},
                       {"average_latency_ms", averageMillis(upstream.durations)},
                       {"prompt_tokens", upstream.prompt_tokens},
                       {"completion_tokens", upstream.completion_tokens}};
  }
  return breakdown;
}

}  // namespace

net::awaitable<Result<void>> adminMetrics(RequestContext& context, const ThreadParts& parts) {
  const telemetry::Counts counts = parts.service.metrics.counts();
  std::uint64_t total = 0, streaming = 0, calls = 0, failures = 0;
  Json by_status = Json::object();
  for (const auto& [labels, number] : counts.requests) {
    total += number;
    if (labels.first) streaming += number;
    Json& sum = by_status[std::to_string(labels.second)];
    sum = number + (sum.is_null() ? 0 : sum.get<std::uint64_t>());
  }
  Timings tool_timings;
  Json breakdown = Json::object();
  for (const auto& [name, tool] : counts.tools) {
    calls += tool.ok + tool.errors;
    failures += tool.errors;
    tool_timings.add(tool.timings);
    breakdown[name] = {{"provider", tool.provider},
                       {"invocations", tool.ok + tool.errors},
                       {"failures", tool.errors},
                       {"average_latency_ms", averageMillis(tool.timings)}};
  }
  return sendAdminJson(context,
                       dumpJson({{"executor", executorName()},
                                 {"total_requests", total},
                                 {"streaming_requests", streaming},
                                 {"requests_by_status", std::move(by_status)},
                                 {"average_latency_ms", averageMillis(counts.request_timings)},
                                 {"min_latency_ms", 1000 * counts.request_timings.least},
                                 {"max_latency_ms", 1000 * counts.request_timings.most},
                                 {"tool_invocations", calls},
                                 {"tool_failures", failures},
                                 {"average_tool_latency_ms", averageMillis(tool_timings)},
                                 {"tool_breakdown", std::move(breakdown)},
                                 {"upstream_breakdown", upstreamBreakdown(counts)}}));
}

}  // namespace agw::api
