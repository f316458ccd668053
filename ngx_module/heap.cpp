#include "ngx_module/heap.h"

#include <malloc.h>

#include "ngx_module/conf.h"

namespace agw {
namespace {

constexpr ngx_msec_t kPeriod = 5000;
constexpr std::size_t kWorthIt = 4 << 20;  // bytes

// Of this worker. Timers are kept by the event loop, so they may not move.
ngx_event_t look;
ngx_connection_t nobody;  // nginx's debug log asks a timer's data for a descriptor

void lookAtHeap(ngx_event_t* event) noexcept {
  if (mallinfo2().fordblks >= kWorthIt) {
    malloc_trim(0);
  }
  if (!ngx_exiting) {
    ngx_add_timer(event, kPeriod);
  }
}

}  // namespace

ngx_int_t keepHeapSmall(ngx_cycle_t* cycle) noexcept {
  const auto* conf =
      static_cast<MainConf*>(ngx_http_cycle_get_module_main_conf(cycle, ngx_http_agent_module));
  const bool serves = ngx_process == NGX_PROCESS_WORKER || ngx_process == NGX_PROCESS_SINGLE;
  if (conf == nullptr || !conf->enabled() || !serves) {
    return NGX_OK;
  }
  nobody.fd = static_cast<ngx_socket_t>(-1);
  look.handler = lookAtHeap;
  look.data = &nobody;
  look.log = cycle->log;
  look.cancelable = 1;  // a worker that leaves does not wait for it
  ngx_add_timer(&look, kPeriod);
  return NGX_OK;
}

}  // namespace agw
