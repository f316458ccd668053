// The access phase: who asks, may they, and for which agent.
#pragma once

#include "ngx_module/ngx.h"

namespace agw {

ngx_int_t onAccess(ngx_http_request_t* r) noexcept;

}  // namespace agw
