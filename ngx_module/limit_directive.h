// agent_limit: how it is written, inherited and checked.
#pragma once

#include "ngx_module/conf.h"
#include "ngx_module/ngx.h"

namespace agw {

char* setLimit(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;

// agent_auth_limit COUNT/WINDOW [burst=COUNT] | off
char* setAuthLimit(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;

// `conf.auth` and `conf.scopes` are merged already. A per= that is not given here is that of the
// outer level.
void mergeLimits(const LocationConf& outer, LocationConf& conf) noexcept;

// When all is merged: a limit that no location can ever apply is an error, which is logged; false.
bool checkLimits(ngx_conf_t* cf) noexcept;

}  // namespace agw
