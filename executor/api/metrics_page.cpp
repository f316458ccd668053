#include "api/metrics_page.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <utility>
#include <vector>

#include "api/admin_json.h"

namespace agw::api {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

MetricFamily family(MetricType type, std::string name, std::string help) {
  return {"agent_gateway_" + std::move(name), std::move(help), type, {}};
}

void addValue(MetricFamily& to, Labels labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  if (to.type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  to.metric.push_back(std::move(metric));
}

void addTimings(MetricFamily& to, Labels labels, const telemetry::Timings& timings) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.histogram.sample_count = timings.count;
  metric.histogram.sample_sum = timings.sum;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < timings.buckets.size(); ++i) {
    below += timings.buckets[i];
    const double bound = i < telemetry::Timings::kBounds.size()
                             ? telemetry::Timings::kBounds[i]
                             : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({below, bound});
  }
  to.metric.push_back(std::move(metric));
}

using Families = std::vector<MetricFamily>;

void addSingle(Families& all, MetricType type, const char* name, const char* help, double value) {
  MetricFamily one = family(type, name, help);
  addValue(one, {}, value);
  all.push_back(std::move(one));
}

void addRequests(Families& all, const telemetry::Counts& counts) {
  MetricFamily requests = family(MetricType::Counter, "requests_total",
                                 "Requests that have ended; status 499: the client left.");
  for (const auto& [labels, number] : counts.requests) {
    addValue(
        requests,
        {{"status", std::to_string(labels.second)}, {"streaming", labels.first ? "true" : "false"}},
        static_cast<double>(number));
  }
  MetricFamily durations =
      family(MetricType::Histogram, "request_duration_seconds", "How long requests took.");
  addTimings(durations, {}, counts.request_timings);
  all.push_back(std::move(requests));
  all.push_back(std::move(durations));
}

void addTools(Families& all, const telemetry::Counts& counts) {
  MetricFamily calls =
      family(MetricType::Counter, "tool_invocations_total", "Calls of agents' tools.");
  MetricFamily durations =
      family(MetricType::Histogram, "tool_duration_seconds", "How long calls of tools took.");
  for (const auto& [name, tool] : counts.tools) {
    const Labels labels = {{"provider", tool.provider}, {"tool", name}};
    const auto with_status = [&labels](const char* status) {
      Labels more = labels;
      more.push_back({"status", status});
      return more;
    };
    addValue(calls, with_status("ok"), static_cast<double>(tool.ok));
    addValue(calls, with_status("error"), static_cast<double>(tool.errors));
    addTimings(durations, labels, tool.timings);
  }
  all.push_back(std::move(calls));
  all.push_back(std::move(durations));
}

void addReloads(Families& all, const config::ReloadStatus& status) {
  MetricFamily reloads = family(MetricType::Counter, "config_reloads_total",
                                "Loads of the configuration since the start.");
  addValue(reloads, {{"result", "ok"}}, static_cast<double>(status.successes));
  addValue(reloads, {{"result", "refused"}}, static_cast<double>(status.failures));
  all.push_back(std::move(reloads));
  addSingle(all, MetricType::Gauge, "config_valid",
            "1 when the last load was good: what runs is what the files say.",
            status.is_last_good ? 1 : 0);
  addSingle(all, MetricType::Gauge, "config_generation",
            "Which version of the configuration runs; 1 is that of the start.",
            static_cast<double>(status.generation));
  addSingle(all, MetricType::Gauge, "config_loaded_timestamp_seconds",
            "When that version came into use.", static_cast<double>(status.loaded_at) / 1000);
  addSingle(all, MetricType::Gauge, "config_reload_seconds", "How long the last load took.",
            secondsOf(status.last_duration));
}

void addAgents(Families& all, const config::Settings& settings) {
  double ok = 0, broken = 0;
  for (const config::AgentSettings& agent : settings.agents) ++(agent.error.empty() ? ok : broken);
  MetricFamily agents = family(MetricType::Gauge, "agents", "Configured agents.");
  addValue(agents, {{"status", "ok"}}, ok);
  addValue(agents, {{"status", "error"}}, broken);
  all.push_back(std::move(agents));
}

void addUpstreams(Families& all, const std::map<std::string, upstream::Health>& health) {
  MetricFamily healthy =
      family(MetricType::Gauge, "upstream_healthy", "1 when the last look found it well.");
  for (const auto& [name, one] : health) {
    if (one.is_known) addValue(healthy, {{"upstream", name}}, one.is_well ? 1 : 0);
  }
  all.push_back(std::move(healthy));
}

}  // namespace

std::string metricsPage(const Service& service) {
  Families all;
  MetricFamily build = family(MetricType::Gauge, "build_info", "Always 1.");
  addValue(build, {{"version", AGW_VERSION}}, 1);
  all.push_back(std::move(build));
  addSingle(all, MetricType::Gauge, "draining", "1 once the executor is told to stop.",
            service.draining ? 1 : 0);
  const telemetry::Counts counts = service.metrics.counts();
  addRequests(all, counts);
  addTools(all, counts);
  addReloads(all, service.reload->status());
  addAgents(all, *service.reload->settings());
  addUpstreams(all, service.health->all());
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace agw::api
