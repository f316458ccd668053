// What the configuration phase and the start of a cycle load: the shared zone, the edge secret, the
// keys.
#pragma once

#include <cstdint>

#include "ngx_module/conf.h"
#include "ngx_module/ngx.h"

namespace agw {

// The smallest zone for this many keys, nginx's own share of the memory included.
std::uint64_t zoneBytesFor(std::uint64_t capacity) noexcept;

// nginx calls it with the shared memory mapped, at start (`old_data` null) and at each reload that
// keeps the zone. The last place where a reload can still be refused, so it also checks what needs
// the user of the workers.
ngx_int_t initZone(ngx_shm_zone_t* zone, void* old_data) noexcept;

// Both log what is wrong, with file and line, and return false.
bool loadEdgeSecret(MainConf& conf, ngx_log_t* log) noexcept;
bool loadKeys(MainConf& conf, ngx_log_t* log) noexcept;

// Runs when the new configuration can no longer fail: its keys become the live ones, for workers of
// older configurations too, and those no longer watch the file.
void takeOver(MainConf& conf, ngx_log_t* log) noexcept;

}  // namespace agw
