// What is held until a request ends, and what happens then.
#include <gtest/gtest.h>

#include <vector>

#include "limit_store_fixture.h"
#include "ngx_module/limit_store.h"

namespace agw {
namespace {

using namespace test;

TEST_F(LimitStoreTest, ReservesTokensAndChargesWhatWasUsed) {
  const LimitClaim claim = withTokens(claimOf(1), kHundredTokens);
  std::uint32_t first = kNoIndex;
  ASSERT_EQ(admit({claim}, 60, first), LimitVerdict::Admitted);
  EXPECT_EQ(claims_[0].tokens_view.remaining, 40U);
  EXPECT_EQ(store_->reservedBy(first), 60U);
  EXPECT_EQ(store_->totals().reserved, 60U);
  now_ += 1000 * kSecond;
  std::uint32_t second = kNoIndex;
  ASSERT_EQ(admit({claim}, 50, second), LimitVerdict::Refused) << "held, however long";
  EXPECT_EQ(outcome_.kind, LimitKind::Tokens);
  EXPECT_EQ(outcome_.retry_after, 10 * kSecond) << "a guess: as if it came back with time";
  close(first, 30);
  EXPECT_EQ(store_->totals().reserved, 0U);
  EXPECT_EQ(tokensLeft(1), 70U);
  now_ += 20 * kSecond;
  EXPECT_EQ(tokensLeft(1), 90U);
}

TEST_F(LimitStoreTest, MoreTokensThanWereReservedAreADebt) {
  const LimitClaim claim = withTokens(claimOf(1), kHundredTokens);
  std::uint32_t entry = kNoIndex;
  ASSERT_EQ(admit({claim}, 10, entry), LimitVerdict::Admitted);
  close(entry, 250);
  EXPECT_EQ(admit({claim}), LimitVerdict::Refused);
  EXPECT_EQ(outcome_.retry_after, 150 * kSecond);
  now_ += 150 * kSecond;
  EXPECT_EQ(tokensLeft(1), 0U);
  now_ += 1000 * kSecond;
  EXPECT_EQ(tokensLeft(1), 100U);
}

TEST_F(LimitStoreTest, ReservesNoMoreThanTheBurst) {
  std::uint32_t entry = kNoIndex;
  ASSERT_EQ(admit({withTokens(claimOf(1), kHundredTokens)}, 1'000'000, entry),
            LimitVerdict::Admitted);
  EXPECT_EQ(store_->reservedBy(entry), 100U);
  EXPECT_EQ(claims_[0].tokens_view.remaining, 0U);
  close(entry);
  EXPECT_EQ(tokensLeft(1), 100U);
}

TEST_F(LimitStoreTest, TwoStepsOfARequestShareAnEntry) {
  const LimitClaim key = claimOf(1);
  std::uint32_t entry = kNoIndex;
  ASSERT_EQ(admit({withStreams(withRequests(key, kFiveAMinute), 3)}, 0, entry),
            LimitVerdict::Admitted);
  const std::uint32_t first = entry;
  ASSERT_NE(first, kNoIndex);
  ASSERT_EQ(admit({withTokens(key, kHundredTokens),
                   withTokens(withStreams(claimOf(2, LimitPer::User), 1), kHundredTokens),
                   withTokens(claimOf(3, LimitPer::Agent), kHundredTokens)},
                  40, entry),
            LimitVerdict::Admitted);
  EXPECT_EQ(entry, first);
  EXPECT_EQ(store_->totals().entries_used, 1U);
  EXPECT_EQ(store_->totals().slots, 2U);
  EXPECT_EQ(store_->totals().reserved, 120U);
  EXPECT_EQ(store_->reservedBy(entry), 40U);
  close(entry, 25);
  for (const std::uint64_t n : {1U, 2U, 3U}) EXPECT_EQ(tokensLeft(n), 75U);
  EXPECT_EQ(store_->totals().slots, 0U);
  EXPECT_EQ(store_->totals().reserved, 0U);
}

TEST_F(LimitStoreTest, ASecondStepThatIsRefusedLeavesWhatTheFirstHolds) {
  std::uint32_t entry = kNoIndex;
  ASSERT_EQ(admit({withStreams(claimOf(1), 3)}, 0, entry), LimitVerdict::Admitted);
  const std::uint32_t first = entry;
  std::uint32_t other = kNoIndex;
  ASSERT_EQ(admit({withStreams(claimOf(2), 1)}, 0, other), LimitVerdict::Admitted);
  EXPECT_EQ(admit({withStreams(claimOf(2), 1)}, 0, entry), LimitVerdict::Refused);
  EXPECT_EQ(entry, first);
  EXPECT_EQ(store_->totals().slots, 2U);
  close(entry);
  EXPECT_EQ(store_->totals().slots, 1U);
}

TEST_F(LimitStoreTest, FourClaimsAreHeldByOneEntry) {
  std::vector<LimitClaim> claims;
  for (std::uint64_t n = 1; n <= LimitStore::kMaxClaims; ++n) {
    claims.push_back(withStreams(withTokens(claimOf(n), kHundredTokens), 1));
  }
  std::uint32_t entry = kNoIndex;
  ASSERT_EQ(admit(claims, 10, entry), LimitVerdict::Admitted);
  EXPECT_EQ(store_->totals().slots, 4U);
  EXPECT_EQ(store_->totals().reserved, 40U);
  close(entry, 20);
  for (std::uint64_t n = 1; n <= 4; ++n) EXPECT_EQ(tokensLeft(n), 80U);
}

TEST_F(LimitStoreTest, ClosingAClosedEntryDoesNothing) {
  std::uint32_t entry = kNoIndex;
  ASSERT_EQ(admit({withTokens(claimOf(1), kHundredTokens)}, 10, entry), LimitVerdict::Admitted);
  close(entry, 10);
  close(entry, 10);
  EXPECT_EQ(tokensLeft(1), 90U);
  EXPECT_EQ(store_->totals().entries_used, 0U);
}

TEST_F(LimitStoreTest, LearnsHowManyTokensAPartysAnswersTake) {
  const LimitClaim claim = withTokens(claimOf(1), kHundredTokens);
  const auto answer = [&](std::int64_t completion) {
    now_ += 10'000 * kSecond;
    std::uint32_t entry = kNoIndex;
    EXPECT_EQ(admit({claim}, 1, entry), LimitVerdict::Admitted);
    close(entry, 1, completion);
    return store_->meanCompletion(party(1));
  };
  EXPECT_EQ(store_->meanCompletion(party(1)), LimitStore::kFirstGuess);
  EXPECT_EQ(answer(-1), LimitStore::kFirstGuess) << "not known";
  EXPECT_EQ(answer(800), 800U);
  EXPECT_EQ(answer(-1), 800U);
  EXPECT_EQ(answer(1600), 900U);
  for (int i = 0; i < 100; ++i) answer(80);
  EXPECT_NEAR(store_->meanCompletion(party(1)), 80, 8);
  EXPECT_LE(answer(INT64_MAX), 1U << 30) << "no sum overflows";
  EXPECT_EQ(store_->meanCompletion(party(2)), LimitStore::kFirstGuess);
}

TEST_F(LimitStoreTest, TakesBackWhatAnOwnerHeld) {
  const LimitClaim claim = withStreams(withTokens(claimOf(1), kHundredTokens), 9);
  std::vector<LimitClaim> claims{claim};
  for (std::uint32_t owner = 0; owner < 3; ++owner) {
    std::uint32_t first = kNoIndex;
    std::uint32_t second = kNoIndex;
    ASSERT_EQ(store_->admit(claims, 10, now_, owner, first).verdict, LimitVerdict::Admitted);
    ASSERT_EQ(store_->admit(claims, 5, now_, owner, second).verdict, LimitVerdict::Admitted);
  }
  std::uint64_t tokens = 1000;
  EXPECT_EQ(store_->recover(1, now_, tokens), 2U);
  EXPECT_EQ(tokens, 1015U) << "added to what was there";
  EXPECT_EQ(store_->totals().entries_used, 4U);
  EXPECT_EQ(store_->totals().slots, 4U);
  EXPECT_EQ(store_->totals().reserved, 30U);
  EXPECT_TRUE(store_->isSound());
  EXPECT_EQ(store_->recover(1, now_, tokens), 0U);
  EXPECT_EQ(store_->recover(0, now_, tokens) + store_->recover(2, now_, tokens), 4U);
  EXPECT_EQ(store_->totals().slots, 0U);
  EXPECT_EQ(store_->totals().reserved, 0U);
  EXPECT_EQ(tokensLeft(1), 55U) << "what was reserved counts as used";
}

}  // namespace
}  // namespace agw
