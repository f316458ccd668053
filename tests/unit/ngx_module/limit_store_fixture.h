// One worker and its store: what a request sees.
#pragma once

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "limit_support.h"
#include "ngx_module/limit_store.h"

namespace agw::test {

inline constexpr RateLimit kFiveAMinute{60, 60, 5};
inline constexpr RateLimit kHundredTokens{60, 60, 100};  // one comes back every second

// Sound at the end, whatever was done.
class LimitStoreTest : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_TRUE(store_->isSound()); }

  LimitVerdict admit(std::vector<LimitClaim> claims, std::uint64_t tokens, std::uint32_t& entry) {
    claims_ = std::move(claims);
    outcome_ = store_->admit(claims_, tokens, now_, 7, entry);
    return outcome_.verdict;
  }
  // Without a hold that anybody gives back.
  LimitVerdict admit(std::vector<LimitClaim> claims) {
    std::uint32_t entry = kNoIndex;
    return admit(std::move(claims), 0, entry);
  }
  void close(std::uint32_t entry, std::uint64_t charge = 0, std::int64_t completion = -1) {
    store_->close(entry, {.tokens = charge, .completion = completion}, now_);
  }
  // How many tokens this party could reserve at once; takes nothing for long.
  std::uint64_t tokensLeft(std::uint64_t n) {
    std::uint32_t entry = kNoIndex;
    EXPECT_EQ(admit({withTokens(claimOf(n), kHundredTokens)}, 0, entry), LimitVerdict::Admitted);
    close(entry);
    return claims_[0].tokens_view.remaining;
  }

  OwnStore store_;
  Nanoseconds now_ = kStart;
  std::vector<LimitClaim> claims_;
  LimitOutcome outcome_;
};

}  // namespace agw::test
