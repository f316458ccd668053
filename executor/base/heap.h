// Memory that was freed goes back to the system.
#pragma once

#include <cstddef>

namespace agw {

// glibc keeps what was freed for the next allocation, which after a peak is most of the process.
// Gives the free pages back when they are worth it, in bytes. Takes a millisecond or so for tens of
// MiB; allocations of other threads may wait for it. Any thread.
void giveBackFreeMemory(std::size_t worth);

}  // namespace agw
