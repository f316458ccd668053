// The module's entry in nginx: hooks, and the four symbols that nginx looks for in the file.
#include <algorithm>

#include "ngx_module/access.h"
#include "ngx_module/body_filter.h"
#include "ngx_module/conf.h"
#include "ngx_module/directives.h"
#include "ngx_module/filters.h"
#include "ngx_module/identity.h"
#include "ngx_module/limit_directive.h"
#include "ngx_module/limits.h"
#include "ngx_module/load.h"
#include "ngx_module/ngx.h"
#include "ngx_module/variables.h"
#include "ngx_module/worker.h"

namespace agw {
namespace {

ngx_int_t addPhaseHandler(ngx_http_core_main_conf_t& core, ngx_http_phases phase,
                          ngx_http_handler_pt handler) noexcept {
  auto* slot = static_cast<ngx_http_handler_pt*>(ngx_array_push(&core.phases[phase].handlers));
  if (slot == nullptr) {
    return NGX_ERROR;
  }
  *slot = handler;
  return NGX_OK;
}

// Runs before the access log is written, which is the first of nginx's own: what the end of a
// request brings shall stand in it.
ngx_int_t addFirstLogHandler(ngx_http_core_main_conf_t& core,
                             ngx_http_handler_pt handler) noexcept {
  if (addPhaseHandler(core, NGX_HTTP_LOG_PHASE, handler) != NGX_OK) {
    return NGX_ERROR;
  }
  const ngx_array_t& handlers = core.phases[NGX_HTTP_LOG_PHASE].handlers;
  auto* first = static_cast<ngx_http_handler_pt*>(handlers.elts);
  std::rotate(first, first + handlers.nelts - 1, first + handlers.nelts);
  return NGX_OK;
}

ngx_int_t installHooks(ngx_conf_t* cf) noexcept {
  auto& core = *static_cast<ngx_http_core_main_conf_t*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module));
  if (addPhaseHandler(core, NGX_HTTP_POST_READ_PHASE, onRequestRead) != NGX_OK ||
      addPhaseHandler(core, NGX_HTTP_ACCESS_PHASE, onAccess) != NGX_OK ||
      addFirstLogHandler(core, onLog) != NGX_OK) {
    return NGX_ERROR;
  }
  if (!checkLimits(cf)) {
    return NGX_ERROR;
  }
  installBodyFilter();
  installFilters();
  return NGX_OK;
}

// The new configuration is final here; a failure would end nginx.
ngx_int_t onModuleInit(ngx_cycle_t* cycle) noexcept {
  auto* conf =
      static_cast<MainConf*>(ngx_http_cycle_get_module_main_conf(cycle, ngx_http_agent_module));
  if (conf != nullptr && conf->enabled()) {
    takeOver(*conf, cycle->log);
  }
  return NGX_OK;
}

ngx_http_module_t module_context = {
    addVariables,        // preconfiguration
    installHooks,        // postconfiguration
    createMainConf,      // create main configuration
    initMainConf,        // init main configuration
    nullptr,             // create server configuration
    nullptr,             // merge server configuration
    createLocationConf,  // create location configuration
    mergeLocationConf,   // merge location configuration
};

}  // namespace
}  // namespace agw

#define AGW_EXPORT extern "C" __attribute__((visibility("default")))

AGW_EXPORT ngx_module_t ngx_http_agent_module;
ngx_module_t ngx_http_agent_module = {
    NGX_MODULE_V1,
    &agw::module_context,
    agw::kDirectives,
    NGX_HTTP_MODULE,
    nullptr,            // init master
    agw::onModuleInit,  // init module
    agw::startWorker,   // init process
    nullptr,            // init thread
    nullptr,            // exit thread
    agw::stopWorker,    // exit process
    nullptr,            // exit master
    NGX_MODULE_V1_PADDING,
};

// What nginx's own build would generate. The order puts the filters after the copy filter.
AGW_EXPORT ngx_module_t* ngx_modules[];
ngx_module_t* ngx_modules[] = {&ngx_http_agent_module, nullptr};

AGW_EXPORT char* ngx_module_names[];
char* ngx_module_names[] = {const_cast<char*>("ngx_http_agent_module"), nullptr};

AGW_EXPORT char* ngx_module_order[];
char* ngx_module_order[] = {const_cast<char*>("ngx_http_agent_module"),
                            const_cast<char*>("ngx_http_copy_filter_module"), nullptr};
