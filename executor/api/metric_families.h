// Puts counts into the families of prometheus-cpp.
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

#include "telemetry/metrics.h"

namespace agw::api {

using prometheus::MetricFamily;
using prometheus::MetricType;
using Families = std::vector<MetricFamily>;
using Labels = std::vector<prometheus::ClientMetric::Label>;

// `name` goes on after "agent_gateway_".
MetricFamily family(MetricType type, std::string name, std::string help);
// Of a counter or a gauge.
void addValue(MetricFamily& to, Labels labels, double value);
// Of a histogram.
void addTimings(MetricFamily& to, Labels labels, const telemetry::Timings& timings);
// A family of one value without labels.
void addSingle(Families& all, MetricType type, const char* name, const char* help, double value);

}  // namespace agw::api
