// Memory that processes share after a fork, mapped as nginx maps its zones.
#pragma once

#include <cstddef>

namespace keys_bench {

class SharedPages {
 public:
  // Every page is there already: what is measured is no page fault. Throws std::runtime_error.
  explicit SharedPages(std::size_t bytes);
  ~SharedPages();
  SharedPages(const SharedPages&) = delete;
  SharedPages& operator=(const SharedPages&) = delete;

  void* data() const noexcept { return data_; }  // zeroed, aligned to a page

 private:
  std::size_t bytes_;
  void* data_;
};

}  // namespace keys_bench
