#include "ngx_module/edge_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "key_support.h"
#include "limit_support.h"

namespace agw {
namespace {

using namespace test;

const LimitSecret kSecret = [] {
  LimitSecret secret;
  secret.fill(0xA5);
  return secret;
}();
const int kModule = 0;  // has an address

// A block of exactly this size, zeroed, as a new zone of nginx is.
AlignedMemory zeroed(std::size_t bytes) {
  AlignedMemory memory = alignedMemory(bytes);
  std::memset(memory.get(), 0, bytes);
  return memory;
}

std::string fileOf(std::uint64_t keys) {
  std::string file;
  for (std::uint64_t n = 1; n <= keys; ++n) {
    file += keyLine("key-" + std::to_string(n), n) + "\n";
  }
  return file;
}

// As many keys, and as much text, as the table holds, in both halves.
void fillKeys(KeyTable& table) {
  std::vector<KeyFileError> errors;
  const auto image =
      buildKeyImage(fileOf(table.capacity()), table.capacity(), table.textSize(), errors);
  ASSERT_NE(image, nullptr) << errors.at(0).message;
  image->text.resize(table.textSize(), 'x');
  for (int half = 0; half < 2; ++half) {
    table.fillIdle(*image);
    table.publish();
  }
}
void expectAllKeys(const KeyTable& table) {
  FoundKey key;
  for (std::uint64_t n = 1; n <= table.capacity(); ++n) {
    ASSERT_EQ(table.find(hashOf(n), key), KeyLookup::Found);
    ASSERT_EQ(key.id(), "key-" + std::to_string(n));
  }
}

void fillLimits(LimitStore& store) {
  const LimitStore::Totals size = store.totals();
  std::vector<LimitClaim> claims(1);
  for (std::uint64_t n = 0; n < size.nodes; ++n) {
    claims[0] =
        n < size.entries ? withStreams(claimOf(n), 1) : withRequests(claimOf(n), {1, 60, 1});
    std::uint32_t entry = kNoIndex;
    ASSERT_EQ(store.admit(claims, 0, kStart, 0, entry).verdict, LimitVerdict::Admitted);
  }
}

void fillRest(EdgeMemory& memory) {
  for (std::uint32_t pid = 1; pid <= WorkerRecords::kMax; ++pid) {
    const auto index = memory.workers.claim(pid, UINT64_MAX);
    ASSERT_TRUE(index);
    for (std::size_t i = 0; i < kCounters; ++i) {
      memory.workers[*index].add(static_cast<Counter>(i), UINT64_MAX);
    }
  }
  memory.key_file.problem.fill('x');
  memory.epoch = UINT32_MAX;
  memory.last_reaping = UINT64_MAX;
}

TEST(EdgeMemory, ItsPartsStayInsideAndApart) {
  for (const std::uint64_t capacity : {1U, 10U, 999U, 5000U}) {
    const std::size_t smallest = EdgeMemory::smallestFor(capacity);
    for (const std::size_t bytes : {smallest, smallest + 1, smallest + 77, smallest + 4096,
                                    smallest * 2 + 13, std::size_t{4} << 20}) {
      SCOPED_TRACE(std::to_string(capacity) + " keys in " + std::to_string(bytes) + " bytes");
      const AlignedMemory memory = zeroed(bytes);
      EdgeMemory* shared = EdgeMemory::create(memory.get(), bytes, capacity, &kModule, kSecret);
      ASSERT_EQ(static_cast<void*>(shared), memory.get());
      EXPECT_EQ(shared->capacity(), capacity);
      EXPECT_EQ(shared->keys().capacity(), capacity);
      EXPECT_EQ(shared->keys().textSize(), EdgeMemory::textFor(bytes, capacity));
      EXPECT_EQ(shared->keys().textSize() % 8, 0U);
      EXPECT_GE(shared->keys().textSize(), KeyTable::smallestText(capacity));
      EXPECT_GE(shared->limits().totals().nodes, LimitStore::kSmallest.nodes);
      EXPECT_EQ(shared->keys().generation(), 0U);
      EXPECT_EQ(shared->workers.alive(), 0U);

      // Whatever is filled last, all of the others are what they were.
      fillLimits(shared->limits());
      fillKeys(shared->keys());
      fillRest(*shared);
      EXPECT_TRUE(shared->limits().isSound());
      EXPECT_EQ(shared->limits().totals().slots, shared->limits().totals().entries);
      expectAllKeys(shared->keys());
      EXPECT_EQ(shared->workers.alive(), WorkerRecords::kMax);
      EXPECT_EQ(shared->capacity(), capacity);
      EXPECT_EQ(shared->limitSecret(), kSecret);
      EXPECT_TRUE(EdgeMemory::isUsable(shared));

      std::uint64_t tokens = 0;
      shared->limits().recover(0, kStart, tokens);
      fillKeys(shared->keys());
      EXPECT_EQ(shared->limits().totals().slots, 0U);
      EXPECT_TRUE(shared->limits().isSound());
      expectAllKeys(shared->keys());
    }
  }
}

TEST(EdgeMemory, MoreMemoryGivesMoreRoomForRulesUpToWhatTheyCanUse) {
  constexpr std::uint64_t kKeys = 1000;
  const std::size_t smallest = EdgeMemory::smallestFor(kKeys);
  EXPECT_EQ(EdgeMemory::textFor(smallest, kKeys), KeyTable::smallestText(kKeys));
  EXPECT_EQ(EdgeMemory::textFor(smallest + 8000, kKeys), KeyTable::smallestText(kKeys) + 2000);
  EXPECT_EQ(EdgeMemory::textFor(smallest + (std::size_t{1} << 30), kKeys),
            KeyTable::smallestText(kKeys) + kKeys * KeyTable::kLargestTextPerKey);
}

TEST(EdgeMemory, TheSmallestSizeGrowsWithTheKeys) {
  const std::size_t million = EdgeMemory::smallestFor(1'000'000);
  EXPECT_GT(million, std::size_t{2} * 64 * 1'333'333);
  EXPECT_LT(million, std::size_t{200} << 20);
  EXPECT_LT(EdgeMemory::smallestFor(1), std::size_t{700} << 10);
  EXPECT_GT(EdgeMemory::smallestFor(KeyTable::kMaxKeys), 16 * million - (std::size_t{16} << 20));
}

TEST(EdgeMemory, OnlyWhatThisVersionMadeIsUsable) {
  EXPECT_FALSE(EdgeMemory::isUsable(nullptr));
  const std::size_t bytes = EdgeMemory::smallestFor(10);
  const AlignedMemory memory = zeroed(bytes);
  EXPECT_FALSE(EdgeMemory::isUsable(memory.get()));
  std::memset(memory.get(), 0xFF, bytes);
  EXPECT_FALSE(EdgeMemory::isUsable(memory.get()));
  std::memset(memory.get(), 0, bytes);
  EdgeMemory::create(memory.get(), bytes, 10, &kModule, kSecret);
  EXPECT_TRUE(EdgeMemory::isUsable(memory.get()));
}

TEST(EdgeMemory, NoticesOtherCode) {
  const std::size_t bytes = EdgeMemory::smallestFor(10);
  const AlignedMemory memory = zeroed(bytes);
  EdgeMemory* shared = EdgeMemory::create(memory.get(), bytes, 10, &kModule, kSecret);
  EXPECT_FALSE(shared->noteModule(&kModule));
  EXPECT_TRUE(shared->noteModule(&kSecret));
  EXPECT_FALSE(shared->noteModule(&kSecret));
  EXPECT_TRUE(shared->noteModule(&kModule));
}

}  // namespace
}  // namespace agw
