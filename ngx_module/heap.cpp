#include "ngx_module/heap.h"

#include <malloc.h>

#include "ngx_module/ngx.h"

namespace agw {
namespace {

constexpr ngx_msec_t kPeriod = 5000;
constexpr std::size_t kWorthIt = 4 << 20;  // bytes

ngx_msec_t last_look = 0;  // of this worker

}  // namespace

void lookAtHeap() noexcept {
  if (ngx_current_msec - last_look < kPeriod) {
    return;
  }
  last_look = ngx_current_msec;
  if (mallinfo2().fordblks >= kWorthIt) {
    malloc_trim(0);
  }
}

}  // namespace agw
