// Watches the key file: one worker at a time looks at it in nginx's thread pool, loads it when it
// has changed, and makes it live for all workers. A bad file leaves the keys as they are.
#pragma once

#include "ngx_module/conf.h"
#include "ngx_module/edge_memory.h"
#include "ngx_module/ngx.h"

namespace agw {

// In a worker, once.
void watchKeyFile(MainConf& conf, ngx_cycle_t* cycle) noexcept;
// Begins a look unless one is under way, here or in another worker, or a newer configuration's
// workers have taken over.
void lookAtKeyFile() noexcept;

// The right to write the idle half of the table; false while a living process has it.
bool acquireLoader(EdgeMemory& memory) noexcept;
void releaseLoader(EdgeMemory& memory) noexcept;

// What agent_status tells of the file. `problem` empty: it is what is live. Takes the lock.
void noteKeyFile(EdgeMemory& memory, const LimitLock& lock, std::string_view problem) noexcept;

}  // namespace agw
