#include "ngx_module/key_table.h"

#include <gtest/gtest.h>

#include "key_support.h"

namespace agw {
namespace {

using test::hashOf;
using test::keyLine;
using test::OwnTable;

FoundKey found(const OwnTable& table, std::uint64_t n) {
  FoundKey key;
  EXPECT_EQ(table->find(hashOf(n), key), KeyLookup::Found) << n;
  return key;
}

TEST(KeyTable, SaysNotLoadedBeforeTheFirstGeneration) {
  const OwnTable table(10);
  EXPECT_EQ(table.idOf(1), "(not loaded)");
  table->fillIdle(*table.image(keyLine("alice", 1)));
  EXPECT_EQ(table.idOf(1), "(not loaded)");
  EXPECT_EQ(table->generation(), 0U);
  table->publish();
  EXPECT_EQ(table->generation(), 1U);
  EXPECT_EQ(table.idOf(1), "alice");
}

TEST(KeyTable, AnEmptyFileIsLoadedToo) {
  const OwnTable table(10);
  table.load("# nobody\n");
  EXPECT_EQ(table.idOf(1), "(unknown)");
}

TEST(KeyTable, FindsKnownKeysAndNoOthers) {
  const OwnTable table(10);
  table.load(keyLine("alice", 1) + "\n" + keyLine("bob", 2) + "\n");
  EXPECT_EQ(table.idOf(1), "alice");
  EXPECT_EQ(table.idOf(2), "bob");
  EXPECT_EQ(table.idOf(3), "(unknown)");
}

TEST(KeyTable, AHashThatDiffersInOneBitIsUnknown) {
  const OwnTable table(10);
  table.load(keyLine("alice", 1));
  for (std::size_t bit = 0; bit < 256; ++bit) {
    KeyHash hash = hashOf(1);
    hash[bit / 8] = static_cast<unsigned char>(hash[bit / 8] ^ (1U << (bit % 8)));
    FoundKey key;
    EXPECT_EQ(table->find(hash, key), KeyLookup::Unknown) << bit;
  }
}

TEST(KeyTable, IdsOfEveryLengthComeBack) {
  const OwnTable table(100);
  std::string file;
  for (std::size_t size = 1; size <= kMaxKeyId; ++size) {
    file += keyLine(std::string(size, static_cast<char>('a' + size % 26)), size) + "\n";
  }
  table.load(file);
  for (const std::size_t size : {1U, 18U, 19U, 20U, 21U, 24U, 63U, 64U}) {
    EXPECT_EQ(table.idOf(size), std::string(size, static_cast<char>('a' + size % 26)));
  }
}

TEST(KeyTable, AllThatALineSaysComesBack) {
  const OwnTable table(10);
  table.load(keyLine("alice", 1,
                     "allow=default/*,research/* deny=research/secret scopes=chat,mcp,runs "
                     "requests=60/m burst=20 tokens=100k/h streams=8 max_run=600s "
                     "act_as=researcher expires=2027-06-30T00:00:00Z") +
             "\n" + keyLine("bob", 2) + "\n");
  const FoundKey alice = found(table, 1);
  EXPECT_EQ(alice.id(), "alice");
  EXPECT_EQ(alice.scopes, 7);
  EXPECT_EQ(alice.expires_unix, 1814313600U);
  EXPECT_EQ(alice.grants(), "allow=default/*,research/*;deny=research/secret;act_as=researcher");
  EXPECT_EQ(alice.limits, (KeyLimits{.requests = 60,
                                     .tokens = 100'000,
                                     .requests_window = 60,
                                     .tokens_window = 3600,
                                     .burst = 20,
                                     .streams = 8,
                                     .max_run = 600}));
  const FoundKey bob = found(table, 2);
  EXPECT_EQ(bob.scopes, scopeBit(Scope::Chat));
  EXPECT_EQ(bob.expires_unix, 0U);
  EXPECT_EQ(bob.grants(), "");
  EXPECT_EQ(bob.limits, KeyLimits{});
}

TEST(KeyTable, GrantsAsLongAsALineAllowsComeBack) {
  const OwnTable table(2);
  std::string line = keyLine("a", 1, "allow=x");
  const std::string globs(kMaxKeyLine - line.size(), 'x');
  table.load(line + globs + "\n");
  EXPECT_EQ(found(table, 1).grants(), "allow=x" + globs);
}

TEST(KeyTable, ANewGenerationReplacesAllOfTheOldOne) {
  const OwnTable table(10);
  table.load(keyLine("alice", 1) + "\n" + keyLine("bob", 2, "requests=1/s") + "\n");
  table.load(keyLine("robert", 2, "requests=2/s") + "\n" + keyLine("carol", 3) + "\n");
  EXPECT_EQ(table->generation(), 2U);
  EXPECT_EQ(table.idOf(1), "(unknown)");
  EXPECT_EQ(table.idOf(2), "robert");
  EXPECT_EQ(found(table, 2).limits.requests, 2U);
  EXPECT_EQ(table.idOf(3), "carol");
  table.load(keyLine("dave", 4));
  EXPECT_EQ(table.idOf(4), "dave");
  EXPECT_EQ(table.idOf(2), "(unknown)") << "nothing is left of the generation before the last";
}

TEST(KeyTable, AFilledHalfThatIsNotPublishedChangesNothing) {
  const OwnTable table(10);
  table.load(keyLine("alice", 1));
  for (int i = 0; i < 3; ++i) {
    table->fillIdle(*table.image(keyLine("mallory", 2)));
    EXPECT_EQ(table.idOf(1), "alice");
    EXPECT_EQ(table.idOf(2), "(unknown)");
  }
  table.load(keyLine("bob", 3));
  EXPECT_EQ(table.idOf(3), "bob");
  EXPECT_EQ(table.idOf(2), "(unknown)");
}

TEST(KeyTable, HoldsAsManyKeysAsItsCapacity) {
  for (const std::uint64_t capacity : {1U, 2U, 3U, 7U, 100U, 5000U}) {
    const OwnTable table(capacity);
    std::string file;
    for (std::uint64_t n = 1; n <= capacity; ++n) {
      file += keyLine("key-" + std::to_string(n), n) + "\n";
    }
    table.load(file);
    for (std::uint64_t n = 1; n <= capacity; ++n) {
      ASSERT_EQ(table.idOf(n), "key-" + std::to_string(n));
    }
    EXPECT_EQ(table.idOf(capacity + 1), "(unknown)");
  }
}

// All searches begin at the last place and go on from the first.
TEST(KeyTable, KeysThatCollideAreAllFound) {
  constexpr std::uint64_t kLast = UINT64_MAX;
  const OwnTable table(50);
  std::string file;
  for (std::uint64_t n = 1; n <= 50; ++n) {
    file += keyLine("key-" + std::to_string(n), hashOf(kLast, n)) + "\n";
  }
  table.load(file);
  FoundKey key;
  for (std::uint64_t n = 1; n <= 50; ++n) {
    ASSERT_EQ(table->find(hashOf(kLast, n), key), KeyLookup::Found);
    EXPECT_EQ(key.id(), "key-" + std::to_string(n));
  }
  EXPECT_EQ(table->find(hashOf(kLast, 51), key), KeyLookup::Unknown);
}

TEST(KeyTable, TheSearchBeginsInsideTheTable) {
  for (const std::uint64_t slots :
       {std::uint64_t{1}, std::uint64_t{9}, KeyTable::slotsFor(KeyTable::kMaxKeys)}) {
    EXPECT_EQ(KeyTable::firstSlot(hashOf(0, 1), slots), 0U);
    EXPECT_EQ(KeyTable::firstSlot(hashOf(UINT64_MAX, 1), slots), slots - 1);
  }
}

TEST(KeyTable, CountsTheKeysThatExpire) {
  constexpr std::int64_t kNow = 1814313600;  // 2027-06-30T00:00:00Z
  constexpr std::int64_t kWeek = 7 * 86'400;
  const OwnTable table(10);
  EXPECT_EQ(table->countExpiring(kNow, kNow + kWeek).expired, 0U) << "nothing is loaded";
  const std::string long_id = "a-key-with-an-id-longer-than-19";
  table.load(keyLine("now", 1, "expires=2027-06-30T00:00:00Z") + "\n" +
             keyLine("before", 2, "expires=2020-01-01T00:00:00Z") + "\n" +
             keyLine("next", 3, "expires=2027-06-30T00:00:01Z") + "\n" +
             keyLine(long_id, 4, "expires=2027-07-07T00:00:00Z") + "\n" +
             keyLine("later", 5, "expires=2027-07-07T00:00:01Z") + "\n" + keyLine("never", 6));
  const ExpiryCount count = table->countExpiring(kNow, kNow + kWeek);
  EXPECT_EQ(count.expired, 2U);
  EXPECT_EQ(count.expiring, 2U);
  ASSERT_EQ(count.first.size(), 2U);
  const bool is_long_first = count.first[0].id == long_id;
  EXPECT_EQ(count.first[is_long_first ? 0 : 1].id, long_id);
  EXPECT_EQ(count.first[is_long_first ? 0 : 1].expires_unix, 1814313600U + kWeek);
  EXPECT_EQ(count.first[is_long_first ? 1 : 0].id, "next");
}

TEST(KeyTable, NamesNoMoreThanTwentyKeysThatExpire) {
  const OwnTable table(50);
  std::string file;
  for (std::uint64_t n = 1; n <= 50; ++n) {
    file += keyLine("key-" + std::to_string(n), n, "expires=2027-06-30T00:00:00Z") + "\n";
  }
  table.load(file);
  const ExpiryCount count = table->countExpiring(1814313599, 1814313600);
  EXPECT_EQ(count.expiring, 50U);
  EXPECT_EQ(count.first.size(), ExpiryCount::kMaxNamed);
}

TEST(KeyTable, TimesAfter2106CountAs2106) {
  const OwnTable table(2);
  table.load(keyLine("alice", 1, "expires=9999-12-31T23:59:59Z"));
  EXPECT_EQ(found(table, 1).expires_unix, UINT32_MAX);
}

}  // namespace
}  // namespace agw
