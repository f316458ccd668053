#include "api/metric_families.h"

#include <cstdint>
#include <limits>
#include <utility>

namespace agw::api {

using prometheus::ClientMetric;

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

void addSingle(Families& all, MetricType type, const char* name, const char* help, double value) {
  MetricFamily one = family(type, name, help);
  addValue(one, {}, value);
  all.push_back(std::move(one));
}

}  // namespace agw::api
