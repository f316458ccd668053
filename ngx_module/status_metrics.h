// The list of the edge's metrics: names, types, labels, and where each number comes from.
#pragma once

#include <span>
#include <string_view>

#include "ngx_module/status_text.h"

namespace agw {

// Both static.
struct MetricLabel {
  std::string_view name;
  std::string_view value;
};

class MetricSink {
 public:
  virtual ~MetricSink() = default;
  // `type`: counter or gauge.
  virtual void family(std::string_view name, std::string_view type, std::string_view help) = 0;
  // Of the family that was begun last.
  virtual void sample(std::span<const MetricLabel> labels, double value) = 0;
};

void describeMetrics(const StatusNumbers& numbers, MetricSink& sink);

}  // namespace agw
