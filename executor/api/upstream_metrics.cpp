#include "api/upstream_metrics.h"

#include <array>
#include <map>
#include <string>
#include <utility>

namespace agw::api {
namespace {

constexpr std::array kBreakerStates = {
    std::pair{upstream::BreakerState::Closed, "closed"},
    std::pair{upstream::BreakerState::Open, "open"},
    std::pair{upstream::BreakerState::HalfOpen, "half_open"},
};

// What the threads have counted.
void addUpstreamCalls(Families& all, const telemetry::Counts& counts) {
  MetricFamily calls = family(MetricType::Counter, "upstream_requests_total",
                              "Requests to upstreams that have ended.");
  MetricFamily retries = family(MetricType::Counter, "upstream_retries_total",
                                "Requests that were made again at the same upstream.");
  MetricFamily failovers = family(MetricType::Counter, "upstream_failovers_total",
                                  "Requests that went from this upstream to another one.");
  MetricFamily headers = family(MetricType::Histogram, "upstream_header_seconds",
                                "Time until upstreams accepted requests.");
  MetricFamily tokens = family(MetricType::Histogram, "upstream_first_token_seconds",
                               "Time until the first token of a stream.");
  MetricFamily durations = family(MetricType::Histogram, "upstream_duration_seconds",
                                  "How long requests to upstreams took, answers included.");
  MetricFamily used =
      family(MetricType::Counter, "upstream_tokens_total", "Tokens that upstreams have reported.");
  for (const auto& [name, upstream] : counts.upstreams) {
    const Labels labels = {{"upstream", name}};
    for (std::size_t i = 0; i < upstream.calls.size(); ++i) {
      const auto outcome = static_cast<telemetry::UpstreamOutcome>(i);
      addValue(
          calls,
          {{"outcome", std::string(telemetry::upstreamOutcomeName(outcome))}, {"upstream", name}},
          static_cast<double>(upstream.calls[i]));
    }
    addValue(retries, labels, static_cast<double>(upstream.retries));
    addValue(failovers, labels, static_cast<double>(upstream.failovers));
    addTimings(headers, labels, upstream.headers);
    addTimings(tokens, labels, upstream.first_tokens);
    addTimings(durations, labels, upstream.durations);
    addValue(used, {{"kind", "prompt"}, {"upstream", name}},
             static_cast<double>(upstream.prompt_tokens));
    addValue(used, {{"kind", "completion"}, {"upstream", name}},
             static_cast<double>(upstream.completion_tokens));
  }
  for (MetricFamily* one : {&calls, &retries, &failovers, &headers, &tokens, &durations, &used}) {
    all.push_back(std::move(*one));
  }
}

// How they are now.
void addUpstreamStates(Families& all, const upstream::SharedState& states) {
  MetricFamily breakers = family(MetricType::Gauge, "upstream_breaker",
                                 "1 for the state in which the upstream's circuit breaker is.");
  MetricFamily in_flight =
      family(MetricType::Gauge, "upstream_in_flight", "Requests that the upstream is busy with.");
  MetricFamily queued =
      family(MetricType::Gauge, "upstream_queued", "Requests that wait for a slot.");
  for (const auto& [name, state] : states.all()) {
    const upstream::BreakerState now = state->breaker(Clock::now());
    for (const auto& [value, word] : kBreakerStates) {
      addValue(breakers, {{"state", word}, {"upstream", name}}, value == now ? 1 : 0);
    }
    const auto load = state->limit().load();
    addValue(in_flight, {{"upstream", name}}, static_cast<double>(load.in_flight));
    addValue(queued, {{"upstream", name}}, static_cast<double>(load.queued));
  }
  for (MetricFamily* one : {&breakers, &in_flight, &queued}) all.push_back(std::move(*one));
}

void addUpstreamHealth(Families& all, const std::map<std::string, upstream::Health>& health) {
  MetricFamily healthy =
      family(MetricType::Gauge, "upstream_healthy", "1 when the last look found it well.");
  for (const auto& [name, one] : health) {
    if (one.is_known) addValue(healthy, {{"upstream", name}}, one.is_well ? 1 : 0);
  }
  all.push_back(std::move(healthy));
}

}  // namespace

void addUpstreams(Families& all, const Service& service, const telemetry::Counts& counts) {
  addUpstreamHealth(all, service.health->all());
  addUpstreamCalls(all, counts);
  addUpstreamStates(all, service.upstreams);
}

}  // namespace agw::api
