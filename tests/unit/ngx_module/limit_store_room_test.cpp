// What happens when the memory of the limits is full, and who makes room for whom.
#include <gtest/gtest.h>

#include <vector>

#include "limit_support.h"
#include "ngx_module/limit_store.h"

namespace agw {
namespace {

using namespace test;

constexpr RateLimit kOneAMinute{1, 60, 1};
constexpr std::uint32_t kNodes = LimitStore::kSmallest.nodes;
constexpr std::uint32_t kEntries = LimitStore::kSmallest.entries;

class LimitStoreRoomTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_TRUE(store_->isSound()); }

  LimitVerdict admit(std::vector<LimitClaim> claims, std::uint32_t& entry) {
    return store_->admit(claims, 0, now_, 0, entry).verdict;
  }
  // One request of its one a minute.
  LimitVerdict request(std::uint64_t n, LimitPer per = LimitPer::Key) {
    std::uint32_t entry = kNoIndex;
    return admit({withRequests(claimOf(n, per), kOneAMinute)}, entry);
  }
  // A stream that stays open; its entry is kept for closeAll.
  LimitVerdict stream(std::vector<LimitClaim> claims) {
    std::uint32_t entry = kNoIndex;
    const LimitVerdict verdict = admit(std::move(claims), entry);
    if (entry != kNoIndex) open_.push_back(entry);
    return verdict;
  }
  void closeAll() {
    for (const std::uint32_t entry : open_)
      store_->close(entry, {.tokens = 0, .completion = -1}, now_);
    open_.clear();
  }
  // Every node is pinned by an open stream, two by each entry.
  void pinAllNodes() {
    for (std::uint64_t n = 0; n < kNodes; n += 2) {
      ASSERT_EQ(stream({withStreams(claimOf(n), 1), withStreams(claimOf(n + 1), 1)}),
                LimitVerdict::Admitted);
    }
    ASSERT_EQ(store_->totals().nodes_used, kNodes);
  }

  OwnStore store_;
  Nanoseconds now_ = kStart;
  std::vector<std::uint32_t> open_;
};

TEST(LimitStoreSize, TakesWhatItIsGivenAndNoMore) {
  for (std::size_t bytes = 8'000; bytes < 4'000'000; bytes += 4'999) {
    const LimitStore::Size size = LimitStore::fit(bytes);
    ASSERT_LE(LimitStore::bytesFor(size), bytes);
    ASSERT_GT(LimitStore::bytesFor(size) + 512, bytes) << "nothing is left lying about";
    ASSERT_NEAR(static_cast<double>(size.entries) * 64, static_cast<double>(bytes) / 6, 128);
  }
  EXPECT_EQ(LimitStore::fit(0).nodes, 0U);
  EXPECT_EQ(LimitStore::fit(0).entries, 0U);
}

TEST(LimitStoreSize, UsesAllOfItsMemoryAndNothingBeside) {
  for (const std::size_t bytes : {70'000U, 100'001U, 1'000'000U}) {
    const LimitStore::Size size = LimitStore::fit(bytes);
    const OwnStore store(size);
    std::vector<LimitClaim> claims{withStreams(claimOf(0), 1)};
    for (std::uint64_t n = 1; n <= size.entries; ++n) {
      claims[0].who = party(n);
      std::uint32_t entry = kNoIndex;
      ASSERT_EQ(store->admit(claims, 0, kStart, 0, entry).verdict, LimitVerdict::Admitted);
    }
    for (std::uint64_t n = 1; n <= size.nodes; ++n) {
      claims[0] = withRequests(claimOf(n), kOneAMinute);
      std::uint32_t entry = kNoIndex;
      ASSERT_EQ(store->admit(claims, 0, kStart, 0, entry).verdict, LimitVerdict::Admitted);
    }
    EXPECT_EQ(store->totals().entries_used, size.entries);
    EXPECT_EQ(store->totals().nodes_used, size.nodes);
    EXPECT_EQ(store->totals().forgotten, 0U);
    EXPECT_TRUE(store->isSound());
  }
}

TEST_F(LimitStoreRoomTest, WithoutAFreeEntryNothingIsCharged) {
  for (std::uint32_t i = 0; i < kEntries; ++i) {
    ASSERT_EQ(stream({withStreams(claimOf(1), kEntries + 9)}), LimitVerdict::Admitted);
  }
  const LimitClaim both = withStreams(withRequests(claimOf(2), kOneAMinute), 1);
  EXPECT_EQ(stream({both}), LimitVerdict::Full);
  EXPECT_EQ(store_->totals().slots, kEntries);
  EXPECT_EQ(request(2), LimitVerdict::Admitted) << "needs no entry, and was not charged before";
  EXPECT_EQ(stream({withStreams(claimOf(1), 1)}), LimitVerdict::Refused) << "refused all the same";
  store_->close(open_.back(), {.tokens = 0, .completion = -1}, now_);
  open_.pop_back();
  EXPECT_EQ(stream({withStreams(claimOf(3), 1)}), LimitVerdict::Admitted);
  closeAll();
  EXPECT_EQ(store_->totals().slots, 0U);
}

TEST_F(LimitStoreRoomTest, WithoutAFreeNodeNothingIsCharged) {
  pinAllNodes();
  EXPECT_EQ(request(5000), LimitVerdict::Full);
  EXPECT_EQ(request(5000, LimitPer::User), LimitVerdict::Full);
  std::uint32_t entry = kNoIndex;
  const std::vector<LimitClaim> known_and_new{withRequests(claimOf(0), kOneAMinute),
                                              withRequests(claimOf(5000), kOneAMinute)};
  EXPECT_EQ(admit(known_and_new, entry), LimitVerdict::Full);
  EXPECT_EQ(store_->totals().forgotten, 0U);
  EXPECT_EQ(request(0), LimitVerdict::Admitted) << "the first of both was not charged";
  closeAll();
  EXPECT_EQ(request(5000), LimitVerdict::Admitted);
}

TEST_F(LimitStoreRoomTest, OpenStreamsAreNeverForgotten) {
  for (std::uint64_t n = 0; n < 100; ++n) {
    ASSERT_EQ(stream({withStreams(claimOf(n), 1)}), LimitVerdict::Admitted);
  }
  for (std::uint64_t n = 1000; n < 10'000; ++n) {
    ASSERT_EQ(request(n), LimitVerdict::Admitted) << n;
  }
  for (std::uint64_t n = 0; n < 100; ++n) {
    ASSERT_EQ(stream({withStreams(claimOf(n), 1)}), LimitVerdict::Refused) << n;
  }
  closeAll();
  EXPECT_EQ(store_->totals().slots, 0U);
}

TEST_F(LimitStoreRoomTest, TheOneThatWasUsedLeastRecentlyMakesRoom) {
  for (std::uint64_t n = 0; n < kNodes; ++n) ASSERT_EQ(request(n), LimitVerdict::Admitted);
  ASSERT_EQ(request(0), LimitVerdict::Refused) << "a refusal is a use too";
  ASSERT_EQ(request(5000), LimitVerdict::Admitted);
  EXPECT_EQ(store_->totals().forgotten, 1U);
  EXPECT_EQ(store_->totals().nodes_used, kNodes);
  EXPECT_EQ(request(0), LimitVerdict::Refused);
  EXPECT_EQ(request(1), LimitVerdict::Admitted) << "this one was forgotten";
}

TEST_F(LimitStoreRoomTest, WhoHasNothingUsedMakesRoomFirst) {
  ASSERT_EQ(request(0), LimitVerdict::Admitted);
  std::uint32_t entry = kNoIndex;
  ASSERT_EQ(admit({withStreams(claimOf(1), 1)}, entry), LimitVerdict::Admitted);
  store_->close(entry, {.tokens = 0, .completion = -1}, now_);
  for (std::uint64_t n = 2; n < kNodes; ++n) ASSERT_EQ(request(n), LimitVerdict::Admitted);
  ASSERT_EQ(request(5000), LimitVerdict::Admitted);
  EXPECT_EQ(store_->totals().forgotten, 0U);
  EXPECT_EQ(request(0), LimitVerdict::Refused) << "older, but in use";
}

TEST_F(LimitStoreRoomTest, WithTimeAllComeToRestAndNothingIsLost) {
  for (std::uint64_t n = 0; n < 10ULL * kNodes; ++n) {
    now_ += kSecond;
    ASSERT_EQ(request(n), LimitVerdict::Admitted);
  }
  EXPECT_EQ(store_->totals().forgotten, 0U);
  EXPECT_EQ(store_->totals().nodes_used, kNodes);
}

TEST_F(LimitStoreRoomTest, NamesThatClientsChooseCannotPushOutKeysInUse) {
  constexpr std::uint64_t kKeys = kNodes * 3 / 4;
  for (std::uint64_t n = 0; n < kKeys; ++n) ASSERT_EQ(request(n), LimitVerdict::Admitted);
  for (std::uint64_t n = 10'000; n < 20'000; ++n) {
    ASSERT_EQ(request(n, LimitPer::User), LimitVerdict::Admitted) << n;
  }
  // Users have taken what was free: an agent finds no room, and does not pass for that.
  ASSERT_EQ(request(30'000, LimitPer::Agent), LimitVerdict::Full);
  for (std::uint64_t n = 0; n < kKeys; ++n) ASSERT_EQ(request(n), LimitVerdict::Refused) << n;
}

TEST_F(LimitStoreRoomTest, UsersAndAgentsHaveAtMostAThirdEach) {
  for (std::uint64_t n = 0; n < 10'000; ++n) {
    ASSERT_EQ(request(n, LimitPer::User), LimitVerdict::Admitted);
  }
  EXPECT_EQ(store_->totals().nodes_used, kNodes / 3);
  for (std::uint64_t n = 10'000; n < 20'000; ++n) {
    ASSERT_EQ(request(n, LimitPer::Agent), LimitVerdict::Admitted);
  }
  EXPECT_EQ(store_->totals().nodes_used, 2 * (kNodes / 3));
  for (std::uint64_t n = 20'000; n < 20'000 + kNodes - 2 * (kNodes / 3); ++n) {
    ASSERT_EQ(request(n), LimitVerdict::Admitted);
  }
  EXPECT_EQ(store_->totals().nodes_used, kNodes);
  EXPECT_EQ(request(9'999, LimitPer::User), LimitVerdict::Refused) << "none had to make room";
}

TEST_F(LimitStoreRoomTest, KeysThatRestMakeRoomForUsers) {
  for (std::uint64_t n = 0; n < kNodes; ++n) ASSERT_EQ(request(n), LimitVerdict::Admitted);
  now_ += 3600 * kSecond;
  for (std::uint64_t n = 10'000; n < 10'000 + kNodes / 3; ++n) {
    ASSERT_EQ(request(n, LimitPer::User), LimitVerdict::Admitted) << n;
  }
  for (std::uint64_t n = 10'000; n < 10'000 + kNodes / 3; ++n) {
    ASSERT_EQ(request(n, LimitPer::User), LimitVerdict::Refused) << n;
  }
  EXPECT_EQ(store_->totals().forgotten, 0U);
}

TEST_F(LimitStoreRoomTest, ClaimsOfOneRequestDoNotTakeEachOthersPlace) {
  for (std::uint64_t n = 0; n + 2 < kNodes; n += 2) {
    ASSERT_EQ(stream({withStreams(claimOf(n), 1), withStreams(claimOf(n + 1), 1)}),
              LimitVerdict::Admitted);
  }
  // Two nodes are left for three new parties.
  std::uint32_t entry = kNoIndex;
  EXPECT_EQ(
      admit({withRequests(claimOf(9001), kOneAMinute), withRequests(claimOf(9002), kOneAMinute),
             withRequests(claimOf(9003), kOneAMinute)},
            entry),
      LimitVerdict::Full);
  EXPECT_EQ(request(9001), LimitVerdict::Admitted);
  EXPECT_EQ(request(9001), LimitVerdict::Refused);
  closeAll();
}

}  // namespace
}  // namespace agw
