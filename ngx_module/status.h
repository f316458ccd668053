// agent_status: what the edge has counted and holds, for all of its workers.
#pragma once

#include "ngx_module/ngx.h"

namespace agw {

// Content handlers. Prometheus text format 0.0.4, source:
// https://prometheus.io/docs/instrumenting/exposition_formats/
ngx_int_t writePrometheusStatus(ngx_http_request_t* r) noexcept;
ngx_int_t writeJsonStatus(ngx_http_request_t* r) noexcept;

}  // namespace agw
