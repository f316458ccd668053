#include "bench/keys/decider.h"

#include <unistd.h>

#include <array>
#include <stdexcept>

#include "bench/keys/clocks.h"
#include "ngx_module/limit_identity.h"

namespace keys_bench {
namespace {

constexpr int kParties = 10'000;
constexpr int kAgents = 20;
constexpr std::uint64_t kReserved = 512;  // tokens of a request
constexpr std::uint64_t kUsed = 400;
constexpr std::int64_t kCompletion = 150;
// As random as it needs to be here.
constexpr agw::LimitSecret kSecret = [] {
  agw::LimitSecret secret{};
  for (std::size_t i = 0; i < secret.size(); ++i) secret[i] = static_cast<unsigned char>(i * i + 7);
  return secret;
}();

agw::LimitClaim claimOf(agw::LimitPer per, std::string_view key_id, std::string_view name) {
  agw::LimitClaim claim;
  claim.who = agw::limitIdentity(kSecret, per, 0, key_id, name);
  claim.per = per;
  claim.requests = {.count = 100'000'000, .window_seconds = 60, .burst = 100'000'000};
  claim.tokens = {.count = 900'000'000, .window_seconds = 1, .burst = 900'000'000};
  claim.streams = 100'000;
  return claim;
}

}  // namespace

std::vector<Party> makeParties() {
  std::vector<Party> parties;
  for (int i = 0; i < kParties; ++i) {
    const std::string number = std::to_string(1'000'000 + i);
    parties.push_back({"client-" + number, "user-" + number + "@example.org",
                       "default/helper-" + std::to_string(i % kAgents)});
  }
  return parties;
}

Decider::Decider(agw::LimitStore& store, const agw::LimitLock& lock,
                 const std::vector<Party>& parties, std::uint32_t owner)
    : store_(store),
      lock_(lock),
      parties_(parties),
      owner_(owner),
      process_(static_cast<std::uint32_t>(::getpid())),
      chooser_(owner + 1) {}

void Decider::decide() { decideFor(parties_[chooser_() % parties_.size()]); }

void Decider::decideForAll() {
  for (const Party& party : parties_) decideFor(party);
}

void Decider::decideFor(const Party& party) {
  std::array claims = {claimOf(agw::LimitPer::Key, party.key_id, {}),
                       claimOf(agw::LimitPer::User, party.key_id, party.user),
                       claimOf(agw::LimitPer::Agent, {}, party.agent)};
  // As precise as nginx's clock, and as cheap.
  const agw::Nanoseconds now = nanosecondsOf(CLOCK_MONOTONIC_COARSE);
  std::uint32_t entry = agw::kNoIndex;
  agw::LimitOutcome outcome;
  {
    agw::LimitSection section(store_, lock_, process_);
    outcome = store_.admit(claims, kReserved, now, owner_, entry);
  }
  if (outcome.verdict != agw::LimitVerdict::Admitted || entry == agw::kNoIndex) {
    throw std::runtime_error("a request was not admitted");
  }
  agw::LimitSection section(store_, lock_, process_);
  store_.close(entry, {.tokens = kUsed, .completion = kCompletion}, now);
}

void checkAtRest(const agw::LimitStore& store) {
  const agw::LimitStore::Totals totals = store.totals();
  if (totals.slots != 0 || totals.reserved != 0 || totals.entries_used != 0 ||
      totals.forgotten != 0 || totals.rebuilds != 0 || !store.isSound()) {
    throw std::runtime_error("the limits are not at rest after every request has ended");
  }
}

}  // namespace keys_bench
