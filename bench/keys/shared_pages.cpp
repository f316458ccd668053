#include "bench/keys/shared_pages.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace keys_bench {

SharedPages::SharedPages(std::size_t bytes)
    : bytes_(bytes),
      data_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
  if (data_ == MAP_FAILED) {
    throw std::runtime_error("no shared memory of " + std::to_string(bytes) +
                             " bytes: " + std::strerror(errno));
  }
  std::memset(data_, 0, bytes_);
}

SharedPages::~SharedPages() { ::munmap(data_, bytes_); }

}  // namespace keys_bench
