// What one worker process holds of the shared memory, and what it does regularly: it looks for
// processes that are gone, and watches the key file.
#pragma once

#include <cstdint>

#include "ngx_module/edge_memory.h"
#include "ngx_module/limit_store.h"
#include "ngx_module/ngx.h"
#include "shared/gcra.h"

namespace agw {

struct Worker {
  EdgeMemory* memory = nullptr;  // nullptr: this process serves no requests
  LimitLock lock{};
  std::uint32_t record = kNoIndex;  // its place in memory->workers; kNoIndex: it got none

  void count(Counter counter, std::uint64_t amount = 1) noexcept {
    if (record != kNoIndex) {
      memory->workers[record].add(counter, amount);
    }
  }
};

Worker& thisWorker() noexcept;

// nginx's lock of the zone; its master opens it again when a worker dies inside.
LimitLock lockOf(ngx_shm_zone_t& zone) noexcept;
// Monotonic, and the same for all processes of the machine; as precise as nginx's clock, a
// millisecond.
Nanoseconds monotonicNow() noexcept;

// Hooks of the module: a process begins and ends.
ngx_int_t startWorker(ngx_cycle_t* cycle) noexcept;
void stopWorker(ngx_cycle_t* cycle) noexcept;

}  // namespace agw
