// The $agent_* variables.
#pragma once

#include "ngx_module/ngx.h"

namespace agw {

ngx_int_t addVariables(ngx_conf_t* cf) noexcept;

}  // namespace agw
