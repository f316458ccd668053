#include "ngx_module/proxy_check.h"

#include <cstring>

// Absent in an nginx that was built without it.
extern "C" {
extern ngx_module_t ngx_http_proxy_module __attribute__((weak));
}

namespace agw {
namespace {

// The proxy module keeps the layout of its settings to itself; its table of directives has the
// offsets. nullptr: this nginx has no such directive.
template <class T>
const T* settingOf(const void* proxy, const char* directive) noexcept {
  for (const ngx_command_t* each = ngx_http_proxy_module.commands; each->name.len != 0; ++each) {
    if (std::strcmp(reinterpret_cast<const char*>(each->name.data), directive) == 0) {
      return reinterpret_cast<const T*>(static_cast<const char*>(proxy) + each->offset);
    }
  }
  return nullptr;
}

}  // namespace

void checkProxy(ngx_conf_t* cf, const LocationConf& conf) noexcept {
  if (&ngx_http_proxy_module == nullptr) {
    return;
  }
  // Its settings are merged before ours. They begin with those of every upstream.
  const void* proxy = ngx_http_conf_get_module_loc_conf(cf, ngx_http_proxy_module);
  const auto& upstream = *static_cast<const ngx_http_upstream_conf_t*>(proxy);
  if (upstream.upstream == nullptr) {
    return;
  }
  const auto warn = [&](const char* what, const char* instead) {
    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "%s in the location of \"agent_scope\" in %V:%ui; write \"%s\"", what,
                  &conf.scopes_at.file, conf.scopes_at.line, instead);
  };
  const auto* version = settingOf<ngx_uint_t>(proxy, "proxy_http_version");
  if (version != nullptr && *version < NGX_HTTP_VERSION_11) {
    warn(
        "HTTP/1.0 cannot tell a stream that broke from one that ended, and opens a connection for "
        "each request:",
        "proxy_http_version 1.1");
  }
  if (upstream.buffering) {
    warn("answers are buffered, all but event streams,", "proxy_buffering off");
  }
}

}  // namespace agw
