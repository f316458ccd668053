#include "base/heap.h"

#include <malloc.h>

namespace agw {

void giveBackFreeMemory(std::size_t worth) {
  if (mallinfo2().fordblks >= worth) malloc_trim(0);
}

}  // namespace agw
