#include "ngx_module/request_context.h"

#include <new>
#include <type_traits>

#include "ngx_module/conf.h"
#include "ngx_module/limits.h"
#include "ngx_module/refused_body.h"
#include "ngx_module/stream_end.h"
#include "ngx_module/uploads.h"

namespace agw {
namespace {

static_assert(std::is_trivially_destructible_v<RequestContext>);

// Also marks our entry in the list of the pool's cleanups. It runs on every way out, last.
void contextCleanup(void* data) noexcept {
  auto& context = *static_cast<RequestContext*>(data);
  forgetStreamGuard(context);
  forgetRefusedBody(context);
  endUpload(context);
  abandonLimits(context);
}

}  // namespace

RequestContext* findContext(ngx_http_request_t* r) noexcept {
  r = r->main;
  auto* context = static_cast<RequestContext*>(ngx_http_get_module_ctx(r, ngx_http_agent_module));
  if (context != nullptr) {
    return context;
  }
  for (ngx_pool_cleanup_t* cleanup = r->pool->cleanup; cleanup != nullptr;
       cleanup = cleanup->next) {
    if (cleanup->handler == contextCleanup) {
      context = static_cast<RequestContext*>(cleanup->data);
      ngx_http_set_ctx(r, context, ngx_http_agent_module);
      return context;
    }
  }
  return nullptr;
}

RequestContext* ensureContext(ngx_http_request_t* r) noexcept {
  if (RequestContext* context = findContext(r)) {
    return context;
  }
  r = r->main;
  ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(r->pool, sizeof(RequestContext));
  if (cleanup == nullptr) {
    return nullptr;
  }
  auto* context = new (cleanup->data) RequestContext();
  cleanup->handler = contextCleanup;
  ngx_http_set_ctx(r, context, ngx_http_agent_module);
  return context;
}

MainConf& mainConf(const ngx_http_request_t* r) noexcept {
  return *static_cast<MainConf*>(ngx_http_get_module_main_conf(r, ngx_http_agent_module));
}

const LocationConf& locationConf(const ngx_http_request_t* r) noexcept {
  return *static_cast<LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_agent_module));
}

}  // namespace agw
