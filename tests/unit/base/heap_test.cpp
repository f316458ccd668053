#include "base/heap.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <vector>

namespace agw {
namespace {

std::size_t residentBytes() {
  std::size_t size = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// Blocks below glibc's mmap threshold, with one that stays behind each: the heap's top cannot sink.
TEST(Heap, GivesBackWhatAPeakLeft) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers have an allocator of their own";
#endif
  constexpr std::size_t kBlock = 64 << 10;
  std::vector<std::unique_ptr<char[]>> peak;
  std::vector<std::unique_ptr<char[]>> stay;
  for (int i = 0; i < 1000; ++i) {
    peak.push_back(std::make_unique<char[]>(kBlock));  // zeroed, so every page is there
    stay.push_back(std::make_unique<char[]>(64));
  }
  peak.clear();
  const std::size_t before = residentBytes();
  giveBackFreeMemory(std::size_t{1} << 40);  // never worth it
  EXPECT_GT(residentBytes() + (1 << 20), before);
  giveBackFreeMemory(1 << 20);
  EXPECT_LT(residentBytes() + 40 * (1 << 20), before);
}

}  // namespace
}  // namespace agw
