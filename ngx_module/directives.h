// The directives: table, setters, defaults, merging and the checks across directives.
#pragma once

#include "ngx_module/conf.h"
#include "ngx_module/ngx.h"

namespace agw {

extern ngx_command_t kDirectives[];

void* createMainConf(ngx_conf_t* cf) noexcept;
// Runs when http {} is complete: reads and checks the files that directives name.
char* initMainConf(ngx_conf_t* cf, void* conf) noexcept;
void* createLocationConf(ngx_conf_t* cf) noexcept;
char* mergeLocationConf(ngx_conf_t* cf, void* parent, void* child) noexcept;

}  // namespace agw
