#include "api/metrics_page.h"

#include <prometheus/text_serializer.h>

#include <utility>

#include "api/admin_json.h"
#include "api/metric_families.h"
#include "api/upstream_metrics.h"

namespace agw::api {
namespace {

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
  addUpstreams(all, service, counts);
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace agw::api
