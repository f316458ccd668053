// Long random sequences of what workers do, compared with a model that is nothing but maps.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <vector>

#include "limit_support.h"
#include "ngx_module/limit_store.h"

namespace agw {
namespace {

using namespace test;

constexpr std::uint64_t kParties = 60;
constexpr std::uint32_t kOwners = 4;

// The limits of a party, always the same.
LimitClaim limitsOf(std::uint64_t n) {
  LimitClaim claim = claimOf(n, static_cast<LimitPer>(n % kLimitPers));
  if (n % 2 == 0) claim.requests = {20 + n, 60, 1 + n % 7};
  if (n % 3 != 0) claim.tokens = {1000 + 10 * n, 60, 50 + 20 * (n % 9)};
  if (n % 5 != 4) claim.streams = static_cast<std::uint32_t>(1 + n % 4);
  claim.dry_run = n % 11 == 0;
  return claim;
}

class Model {
 public:
  struct Hold {
    std::uint64_t party;
    bool has_slot;
    std::uint64_t reserved;
  };
  struct Entry {
    std::uint32_t owner;
    std::vector<Hold> holds;
  };

  // What admit() must say; nullopt: it is refused.
  struct Refusal {
    std::uint8_t claim;
    LimitKind kind;
  };
  std::optional<Refusal> admit(const std::vector<LimitClaim>& claims, std::uint64_t tokens,
                               Nanoseconds now, Entry& entry) {
    std::vector<bool> fits;
    std::optional<Refusal> refusal;
    for (std::size_t i = 0; i < claims.size(); ++i) {
      const auto kind = blockedBy(claims[i], tokens, now);
      fits.push_back(!kind);
      if (kind && !claims[i].dry_run && !refusal) refusal = {static_cast<std::uint8_t>(i), *kind};
    }
    if (refusal) return refusal;
    for (std::size_t i = 0; i < claims.size(); ++i) {
      if (fits[i]) charge(claims[i], tokens, now, entry);
    }
    return std::nullopt;
  }
  void close(const Entry& entry, std::optional<std::uint64_t> used, Nanoseconds now) {
    for (const Hold& hold : entry.holds) {
      Party& party = parties_[hold.party];
      party.slots -= hold.has_slot ? 1 : 0;
      party.reserved -= hold.reserved;
      if (hold.reserved == 0) continue;
      party.tokens_arrival = gcraCharge(periodOf(limitsOf(hold.party).tokens), party.tokens_arrival,
                                        now, used.value_or(hold.reserved));
    }
  }
  std::uint64_t slots() const {
    std::uint64_t sum = 0;
    for (const auto& [n, party] : parties_) sum += party.slots;
    return sum;
  }
  std::uint64_t reserved() const {
    std::uint64_t sum = 0;
    for (const auto& [n, party] : parties_) sum += party.reserved;
    return sum;
  }
  std::size_t known() const { return parties_.size(); }

 private:
  struct Party {
    Nanoseconds requests_arrival = 0;
    Nanoseconds tokens_arrival = 0;
    std::uint64_t slots = 0;
    std::uint64_t reserved = 0;
  };

  std::optional<LimitKind> blockedBy(const LimitClaim& claim, std::uint64_t tokens,
                                     Nanoseconds now) {
    const Party& party = parties_[claim.who.words[1]];
    if (claim.requests.isSet() &&
        !gcraLook(claim.requests, party.requests_arrival, now, 1).admits) {
      return LimitKind::Requests;
    }
    if (claim.streams != 0 && party.slots >= claim.streams) return LimitKind::Streams;
    const std::uint64_t wanted = std::min(tokens, claim.tokens.burst);
    if (claim.tokens.isSet() &&
        !gcraLook(claim.tokens, party.tokens_arrival, now, wanted, party.reserved).admits) {
      return LimitKind::Tokens;
    }
    return std::nullopt;
  }
  void charge(const LimitClaim& claim, std::uint64_t tokens, Nanoseconds now, Entry& entry) {
    Party& party = parties_[claim.who.words[1]];
    if (claim.requests.isSet()) {
      party.requests_arrival = gcraCharge(periodOf(claim.requests), party.requests_arrival, now, 1);
    }
    const std::uint64_t reserved = claim.tokens.isSet() ? std::min(tokens, claim.tokens.burst) : 0;
    if (claim.streams == 0 && !claim.tokens.isSet()) return;
    party.slots += claim.streams != 0 ? 1 : 0;
    party.reserved += reserved;
    entry.holds.push_back({claim.who.words[1], claim.streams != 0, reserved});
  }

  std::map<std::uint64_t, Party> parties_;
};

class Walk {
 public:
  explicit Walk(std::uint64_t seed) : random_(seed) {}

  void run(int steps) {
    for (int step = 0; step < steps; ++step) {
      now_ += static_cast<Nanoseconds>(upTo(3 * kSecond / 2));
      const std::uint64_t what = upTo(99);
      if (what < 60 || open_.empty()) {
        admit();
      } else if (what < 98) {
        closeOne();
      } else {
        recover(static_cast<std::uint32_t>(upTo(kOwners - 1)));
      }
      const LimitStore::Totals totals = store_->totals();
      ASSERT_EQ(totals.entries_used, open_.size()) << step;
      ASSERT_EQ(totals.slots, model_.slots()) << step;
      ASSERT_EQ(totals.reserved, model_.reserved()) << step;
      ASSERT_EQ(totals.nodes_used, model_.known()) << step;
      if (step % 64 == 0) {
        ASSERT_TRUE(store_->isSound()) << step;
      }
    }
    for (std::uint32_t owner = 0; owner < kOwners; ++owner) recover(owner);
    EXPECT_TRUE(open_.empty());
    EXPECT_EQ(store_->totals().slots, 0U);
    EXPECT_EQ(store_->totals().reserved, 0U);
    EXPECT_TRUE(store_->isSound());
    EXPECT_GT(admitted_, steps / 8);
    EXPECT_GT(refused_, steps / 8);
  }

 private:
  std::uint64_t upTo(std::uint64_t most) { return random_() % (most + 1); }

  void admit() {
    std::vector<LimitClaim> claims;
    for (std::uint64_t i = 0, count = 1 + upTo(2), n = upTo(kParties - 1); i < count; ++i) {
      claims.push_back(limitsOf((n + 17 * i) % kParties));
    }
    const std::uint64_t tokens = 1 + upTo(120);
    Model::Entry expected{static_cast<std::uint32_t>(upTo(kOwners - 1)), {}};
    const auto refusal = model_.admit(claims, tokens, now_, expected);
    std::uint32_t entry = kNoIndex;
    const LimitOutcome outcome = store_->admit(claims, tokens, now_, expected.owner, entry);
    ASSERT_EQ(outcome.verdict, refusal ? LimitVerdict::Refused : LimitVerdict::Admitted);
    if (refusal) {
      ++refused_;
      ASSERT_EQ(outcome.claim, refusal->claim);
      ASSERT_EQ(outcome.kind, refusal->kind);
      ASSERT_EQ(entry, kNoIndex);
      return;
    }
    ++admitted_;
    ASSERT_EQ(entry == kNoIndex, expected.holds.empty());
    if (entry != kNoIndex) {
      ASSERT_TRUE(open_.emplace(entry, expected).second) << "an entry that is open already";
    }
  }
  void closeOne() {
    auto chosen = open_.begin();
    std::advance(chosen, upTo(open_.size() - 1));
    const std::uint64_t used = upTo(150);
    model_.close(chosen->second, used, now_);
    store_->close(chosen->first, {.tokens = used, .completion = 10}, now_);
    open_.erase(chosen);
  }
  void recover(std::uint32_t owner) {
    std::uint32_t expected = 0;
    for (auto it = open_.begin(); it != open_.end();) {
      if (it->second.owner != owner) {
        ++it;
        continue;
      }
      model_.close(it->second, std::nullopt, now_);
      it = open_.erase(it);
      ++expected;
    }
    std::uint64_t tokens = 0;
    ASSERT_EQ(store_->recover(owner, now_, tokens), expected);
  }

  std::mt19937_64 random_;
  OwnStore store_;
  Model model_;
  Nanoseconds now_ = kStart;
  std::map<std::uint32_t, Model::Entry> open_;
  int admitted_ = 0;
  int refused_ = 0;
};

TEST(LimitStoreModel, DoesWhatMapsDo) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    Walk(seed).run(8000);
    if (::testing::Test::HasFailure()) return;
  }
}

// With far more parties than there is room for, no model says who was forgotten; all must hang
// together all the same, and what is open is never lost.
TEST(LimitStoreModel, HangsTogetherWhileItForgets) {
  std::mt19937_64 random(99);
  const OwnStore store;
  std::map<std::uint32_t, std::uint64_t> open;  // entry -> slots
  std::uint64_t slots = 0;
  Nanoseconds now = kStart;
  for (int step = 0; step < 40'000; ++step) {
    now += static_cast<Nanoseconds>(random() % (kSecond / 4));
    if (open.size() > 100 || (!open.empty() && random() % 3 == 0)) {
      auto chosen = open.begin();
      std::advance(chosen, random() % open.size());
      store->close(chosen->first, {.tokens = random() % 100, .completion = 5}, now);
      slots -= chosen->second;
      open.erase(chosen);
    } else {
      std::vector<LimitClaim> claims;
      for (std::uint64_t i = 0, count = 1 + random() % 3; i < count; ++i) {
        claims.push_back(limitsOf(random() % 3000 * kLimitPers + i));
      }
      std::uint32_t entry = kNoIndex;
      const LimitOutcome outcome = store->admit(claims, 20, now, 0, entry);
      ASSERT_NE(outcome.verdict, LimitVerdict::Full) << step;
      if (entry != kNoIndex) {
        const std::uint64_t held = store->totals().slots - slots;
        ASSERT_LE(held, claims.size());
        ASSERT_TRUE(open.emplace(entry, held).second);
        slots += held;
      }
    }
    ASSERT_EQ(store->totals().slots, slots);
    ASSERT_EQ(store->totals().entries_used, open.size());
    if (step % 64 == 0) {
      ASSERT_TRUE(store->isSound()) << step;
    }
  }
  EXPECT_EQ(store->totals().nodes_used, LimitStore::kSmallest.nodes);
  for (const auto& [entry, held] : open) store->close(entry, {.tokens = 0, .completion = -1}, now);
  EXPECT_EQ(store->totals().slots, 0U);
  EXPECT_EQ(store->totals().reserved, 0U);
  EXPECT_TRUE(store->isSound());
}

}  // namespace
}  // namespace agw
