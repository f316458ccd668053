// What the metrics page says of upstreams.
#pragma once

#include "api/metric_families.h"
#include "api/snapshot.h"

namespace agw::api {

void addUpstreams(Families& all, const Service& service, const telemetry::Counts& counts);

}  // namespace agw::api
