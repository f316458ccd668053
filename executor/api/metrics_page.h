// The executor's metrics in Prometheus' text format (version 0.0.4). docs/metrics.md lists them.
#pragma once

#include <string>

#include "api/snapshot.h"

namespace agw::api {

std::string metricsPage(const Service& service);

}  // namespace agw::api
