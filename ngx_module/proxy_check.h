// Whether nginx's proxy is set up for event streams where ours are.
#pragma once

#include "ngx_module/conf.h"
#include "ngx_module/ngx.h"

namespace agw {

// While `conf` is merged, which has a scope of its own: a warning for each setting that streams do
// not bear.
void checkProxy(ngx_conf_t* cf, const LocationConf& conf) noexcept;

}  // namespace agw
