// Admitted or not, and what is charged.
#include <gtest/gtest.h>

#include <vector>

#include "limit_store_fixture.h"
#include "ngx_module/limit_store.h"

namespace agw {
namespace {

using namespace test;

TEST_F(LimitStoreTest, AdmitsTheBurstOfRequestsAndSaysWhenTheNextFits) {
  const LimitClaim claim = withRequests(claimOf(1), kFiveAMinute);
  for (std::uint64_t i = 0; i < 5; ++i) {
    ASSERT_EQ(admit({claim}), LimitVerdict::Admitted);
    EXPECT_EQ(claims_[0].requests_view.remaining, 4 - i);
  }
  now_ += kSecond / 4;
  ASSERT_EQ(admit({claim}), LimitVerdict::Refused);
  EXPECT_EQ(outcome_.claim, 0);
  EXPECT_EQ(outcome_.kind, LimitKind::Requests);
  EXPECT_EQ(outcome_.retry_after, kSecond * 3 / 4);
  EXPECT_FALSE(outcome_.would_refuse);
  now_ += outcome_.retry_after;
  EXPECT_EQ(admit({claim}), LimitVerdict::Admitted);
  EXPECT_EQ(admit({claim}), LimitVerdict::Refused);
  EXPECT_EQ(store_->totals().entries_used, 0U) << "requests give nothing back";
}

TEST_F(LimitStoreTest, HoldsASlotForEachStreamUntilItIsClosed) {
  const LimitClaim claim = withStreams(claimOf(1), 2);
  std::uint32_t first = kNoIndex;
  std::uint32_t second = kNoIndex;
  std::uint32_t third = kNoIndex;
  ASSERT_EQ(admit({claim}, 0, first), LimitVerdict::Admitted);
  ASSERT_EQ(admit({claim}, 0, second), LimitVerdict::Admitted);
  EXPECT_EQ(store_->totals().slots, 2U);
  now_ += 1000 * kSecond;
  ASSERT_EQ(admit({claim}, 0, third), LimitVerdict::Refused);
  EXPECT_EQ(outcome_.kind, LimitKind::Streams);
  EXPECT_EQ(outcome_.retry_after, 0) << "nobody knows when";
  EXPECT_EQ(third, kNoIndex);
  close(first);
  EXPECT_EQ(store_->totals().slots, 1U);
  EXPECT_EQ(admit({claim}, 0, third), LimitVerdict::Admitted);
  close(second);
  close(third);
  EXPECT_EQ(store_->totals().slots, 0U);
  EXPECT_EQ(store_->totals().entries_used, 0U);
}

TEST_F(LimitStoreTest, ALowerLimitOfStreamsLetsOpenOnesEnd) {
  std::uint32_t entries[3] = {kNoIndex, kNoIndex, kNoIndex};
  for (auto& entry : entries) {
    ASSERT_EQ(admit({withStreams(claimOf(1), 3)}, 0, entry), LimitVerdict::Admitted);
  }
  const LimitClaim lower = withStreams(claimOf(1), 1);
  for (auto& entry : entries) {
    EXPECT_EQ(admit({lower}), LimitVerdict::Refused);
    close(entry);
  }
  EXPECT_EQ(admit({lower}), LimitVerdict::Admitted);
}

TEST_F(LimitStoreTest, ARefusalChargesNothingAnywhere) {
  const auto all = [](std::uint64_t n, LimitPer per) {
    return withStreams(withTokens(withRequests(claimOf(n, per), kFiveAMinute), kHundredTokens), 4);
  };
  // Each claim in turn is the one that refuses, for each kind.
  for (std::uint64_t full = 0; full < 3; ++full) {
    for (const LimitKind kind : {LimitKind::Requests, LimitKind::Tokens, LimitKind::Streams}) {
      const std::uint64_t base = 100 + 10 * (3 * full + static_cast<std::uint64_t>(kind));
      std::uint32_t held = kNoIndex;
      const LimitClaim blocked = claimOf(base + full);
      if (kind == LimitKind::Requests) {
        for (int i = 0; i < 5; ++i) admit({withRequests(blocked, kFiveAMinute)}, 0, held);
      } else if (kind == LimitKind::Tokens) {
        admit({withTokens(blocked, kHundredTokens)}, 80, held);
      } else {
        admit({withStreams(blocked, 1)}, 0, held);
      }
      std::vector<LimitClaim> claims = {all(base, LimitPer::Key), all(base + 1, LimitPer::User),
                                        all(base + 2, LimitPer::Agent)};
      if (kind == LimitKind::Streams) claims[full].streams = 1;
      const LimitStore::Totals before = store_->totals();
      std::uint32_t entry = kNoIndex;
      ASSERT_EQ(admit(claims, 30, entry), LimitVerdict::Refused);
      EXPECT_EQ(outcome_.claim, full);
      EXPECT_EQ(outcome_.kind, kind);
      EXPECT_EQ(entry, kNoIndex);
      EXPECT_EQ(store_->totals().slots, before.slots);
      EXPECT_EQ(store_->totals().reserved, before.reserved);
      EXPECT_EQ(store_->totals().entries_used, before.entries_used);
      for (std::uint64_t n = 0; n < 3; ++n) {
        if (n == full) continue;
        ASSERT_EQ(admit({all(base + n, claims[n].per)}, 100, entry), LimitVerdict::Admitted);
        EXPECT_EQ(claims_[0].requests_view.remaining, 4U);
        close(entry);
        entry = kNoIndex;
      }
      if (held != kNoIndex) close(held);
    }
  }
}

TEST_F(LimitStoreTest, ADryRunIsJudgedAndNeitherRefusesNorCharges) {
  const LimitClaim dry = inDryRun(withStreams(withRequests(claimOf(1), kFiveAMinute), 9));
  std::uint32_t entries[9];
  for (int i = 0; i < 9; ++i) {
    entries[i] = kNoIndex;
    ASSERT_EQ(admit({dry}, 0, entries[i]), LimitVerdict::Admitted);
    EXPECT_EQ(outcome_.would_refuse, i >= 5);
    EXPECT_EQ(entries[i] == kNoIndex, i >= 5);
  }
  EXPECT_EQ(outcome_.kind, LimitKind::Requests);
  EXPECT_EQ(store_->totals().slots, 5U);
  now_ += kSecond;
  std::uint32_t next = kNoIndex;
  EXPECT_EQ(admit({dry}, 0, next), LimitVerdict::Admitted);
  EXPECT_FALSE(outcome_.would_refuse) << "those that would have been refused used nothing";
  close(next);
  for (int i = 0; i < 5; ++i) close(entries[i]);
}

TEST_F(LimitStoreTest, ARealRefusalCountsBeforeADryRun) {
  const LimitClaim dry = inDryRun(withRequests(claimOf(1), {60, 60, 1}));
  const LimitClaim real = withRequests(claimOf(2), {60, 60, 1});
  ASSERT_EQ(admit({dry, real}), LimitVerdict::Admitted);
  EXPECT_FALSE(outcome_.would_refuse);
  for (const bool is_dry_first : {true, false}) {
    ASSERT_EQ(admit(is_dry_first ? std::vector{dry, real} : std::vector{real, dry}),
              LimitVerdict::Refused);
    EXPECT_EQ(outcome_.claim, is_dry_first ? 1 : 0);
    EXPECT_FALSE(outcome_.would_refuse);
  }
}

TEST_F(LimitStoreTest, OfSeveralDryRunsTheFirstIsNamedAndTheRestIsCharged) {
  const LimitClaim dry = inDryRun(withStreams(claimOf(1), 1));
  const LimitClaim real = withRequests(claimOf(2), kFiveAMinute);
  std::uint32_t entry = kNoIndex;
  ASSERT_EQ(admit({dry}, 0, entry), LimitVerdict::Admitted);
  ASSERT_EQ(admit({real, dry, dry}), LimitVerdict::Admitted);
  EXPECT_TRUE(outcome_.would_refuse);
  EXPECT_EQ(outcome_.claim, 1);
  EXPECT_EQ(outcome_.kind, LimitKind::Streams);
  ASSERT_EQ(admit({real}), LimitVerdict::Admitted);
  EXPECT_EQ(claims_[0].requests_view.remaining, 3U);
  close(entry);
}

TEST_F(LimitStoreTest, AnotherRateKeepsWhatIsUsed) {
  for (int i = 0; i < 3; ++i) admit({withRequests(claimOf(1), kFiveAMinute)});
  ASSERT_EQ(admit({withRequests(claimOf(1), {60, 3600, 5})}), LimitVerdict::Admitted);
  EXPECT_EQ(claims_[0].requests_view.remaining, 1U);
  EXPECT_EQ(claims_[0].requests_view.reset_after, 4 * 60 * kSecond);
}

TEST_F(LimitStoreTest, PartiesThatMeetInOneBucketAreKeptApart) {
  for (std::uint64_t n = 0; n < 50; ++n) {
    LimitClaim claim = withRequests(claimOf(0), {60, 60, 1});
    claim.who.words = {42, n};
    EXPECT_EQ(admit({claim}), LimitVerdict::Admitted) << n;
    EXPECT_EQ(admit({claim}), LimitVerdict::Refused) << n;
  }
}

}  // namespace
}  // namespace agw
