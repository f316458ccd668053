// Gives memory that a worker has freed back to the system.
#pragma once

namespace agw {

// Call it regularly: every five seconds it has a look. Requests leave holes, and with large bodies
// they are large; glibc keeps them.
void lookAtHeap() noexcept;

}  // namespace agw
