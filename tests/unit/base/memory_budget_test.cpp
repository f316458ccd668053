#include "base/memory_budget.h"

#include <gtest/gtest.h>

#include <thread>
#include <utility>
#include <vector>

namespace agw {
namespace {

TEST(MemoryBudget, RefusesWhatDoesNotFit) {
  const auto budget = std::make_shared<MemoryBudget>(100);
  MemoryShare first(budget);
  MemoryShare second(budget);
  EXPECT_TRUE(first.growTo(60));
  EXPECT_FALSE(second.growTo(41));
  EXPECT_EQ(budget->used(), 60u) << "a refusal takes nothing";
  EXPECT_TRUE(second.growTo(40));
  EXPECT_FALSE(second.growTo(41));
  first.release();
  EXPECT_TRUE(second.growTo(100));
}

TEST(MemoryBudget, GrowsOnly) {
  const auto budget = std::make_shared<MemoryBudget>(100);
  MemoryShare share(budget);
  EXPECT_TRUE(share.growTo(60));
  EXPECT_TRUE(share.growTo(10));
  EXPECT_EQ(budget->used(), 60u);
}

TEST(MemoryBudget, GetsBackWhatAShareHadAtItsEnd) {
  const auto budget = std::make_shared<MemoryBudget>(100);
  {
    MemoryShare share(budget);
    EXPECT_TRUE(share.growTo(60));
    MemoryShare moved = std::move(share);
    EXPECT_EQ(budget->used(), 60u);
    MemoryShare assigned(budget);
    EXPECT_TRUE(assigned.growTo(40));
    assigned = std::move(moved);
    EXPECT_EQ(budget->used(), 60u) << "what it had before is given back";
  }
  EXPECT_EQ(budget->used(), 0u);
}

TEST(MemoryBudget, HasNoBoundWithoutOne) {
  MemoryShare share;
  EXPECT_TRUE(share.growTo(1'000'000'000));
  share.release();
}

TEST(MemoryBudget, LosesNothingBetweenThreads) {
  const auto budget = std::make_shared<MemoryBudget>(1000);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&budget] {
      for (int n = 0; n < 10'000; ++n) {
        MemoryShare share(budget);
        if (share.growTo(400)) share.growTo(500);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(budget->used(), 0u);
}

}  // namespace
}  // namespace agw
