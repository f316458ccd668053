// Readers and a writer at the same time, and a writer that is killed.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "key_support.h"
#include "ngx_module/key_table.h"

namespace agw {
namespace {

using test::hashOf;
using test::keyLine;
using test::OwnTable;

constexpr std::uint64_t kKeys = 40;

// Version `v` of a file whose keys are always the same; all else tells the version. Ids are short
// in one version and long in the next, and the order turns, so that everything moves.
std::string idIn(std::uint64_t version, std::uint64_t n) {
  return (version % 2 == 0 ? "k" : "a-long-id-that-stands-in-the-text-") + std::to_string(n) + "-" +
         std::to_string(version);
}
std::string fileOf(std::uint64_t version) {
  std::string file;
  for (std::uint64_t i = 0; i < kKeys; ++i) {
    const std::uint64_t n = 1 + (i + version) % kKeys;
    file += keyLine(idIn(version, n), n,
                    "allow=v" + std::to_string(version) + "/m" + std::to_string(n) +
                        " requests=" + std::to_string(1000 * (version + 1) + n) + "/s") +
            "\n";
  }
  return file;
}
bool isOfOneVersion(const FoundKey& key, std::uint64_t n) {
  const std::uint64_t version = key.limits.requests / 1000 - 1;
  return key.limits.requests == 1000 * (version + 1) + n && key.id() == idIn(version, n) &&
         key.grants() == "allow=v" + std::to_string(version) + "/m" + std::to_string(n);
}

TEST(KeyTableRace, ReadersSeeWholeKeysWhileTheTableFlips) {
  constexpr std::uint64_t kVersions = 4;
  const OwnTable table(kKeys);
  std::vector<std::unique_ptr<KeyImage>> images;
  for (std::uint64_t version = 0; version < kVersions; ++version) {
    images.push_back(table.image(fileOf(version)));
  }
  table->fillIdle(*images[0]);
  table->publish();

  std::atomic<bool> is_over{false};
  std::atomic<std::uint64_t> missed{0};
  std::atomic<std::uint64_t> wrong{0};
  std::atomic<std::uint64_t> strangers{0};
  std::atomic<std::uint64_t> looks{0};
  const auto read = [&](std::uint64_t n) {
    FoundKey key;
    while (!is_over.load(std::memory_order_relaxed)) {
      n = n % kKeys + 1;
      if (table->find(hashOf(n), key) != KeyLookup::Found) {
        ++missed;
      } else if (!isOfOneVersion(key, n)) {
        ++wrong;
      }
      if (table->find(hashOf(n + 1000), key) != KeyLookup::Unknown) ++strangers;
      ++looks;
    }
  };
  std::vector<std::thread> readers;
  for (std::uint64_t i = 0; i < 3; ++i) readers.emplace_back(read, 13 * i);
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(700);
  std::uint64_t flips = 0;
  while (std::chrono::steady_clock::now() < end) {
    for (int i = 0; i < 50; ++i) {
      table->fillIdle(*images[++flips % kVersions]);
      table->publish();
    }
  }
  is_over = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(missed, 0U);
  EXPECT_EQ(wrong, 0U);
  EXPECT_EQ(strangers, 0U);
  EXPECT_GT(looks, 1000U);
  EXPECT_GT(flips, 100U);
}

TEST(KeyTableRace, AWriterKilledInTheMiddleLeavesTheLiveHalf) {
  constexpr std::uint64_t kText = 64 * 1024;
  const std::size_t size = KeyTable::bytesFor(kKeys, kText);
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  KeyTable* table = KeyTable::create(memory, kKeys, kText);
  const OwnTable builder(kKeys, kText);
  for (std::uint64_t version = 0; version < 60; ++version) {
    table->fillIdle(*builder.image(fileOf(version)));
    table->publish();
    const auto next = builder.image(fileOf(version + 1));
    const pid_t writer = ::fork();
    ASSERT_GE(writer, 0);
    if (writer == 0) {
      for (;;) table->fillIdle(*next);
    }
    // It dies at another place of its work each time.
    std::this_thread::sleep_for(std::chrono::microseconds(300 + 37 * version));
    ASSERT_EQ(::kill(writer, SIGKILL), 0);
    ASSERT_EQ(::waitpid(writer, nullptr, 0), writer);
    FoundKey key;
    for (std::uint64_t n = 1; n <= kKeys; ++n) {
      ASSERT_EQ(table->find(hashOf(n), key), KeyLookup::Found);
      ASSERT_EQ(key.id(), idIn(version, n));
      ASSERT_TRUE(isOfOneVersion(key, n));
    }
  }
  ::munmap(memory, size);
}

}  // namespace
}  // namespace agw
