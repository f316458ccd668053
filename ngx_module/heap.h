// A worker's free memory goes back to the system.
#pragma once

#include "ngx_module/ngx.h"

namespace agw {

// At a worker's start. From then on the worker looks at its heap every few seconds and gives back
// what is free in it, when that is worth it: after a peak of large bodies or of streams glibc would
// keep all of it.
ngx_int_t keepHeapSmall(ngx_cycle_t* cycle) noexcept;

}  // namespace agw
