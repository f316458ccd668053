#include "ngx_module/limit_store.h"

#include <algorithm>
#include <atomic>
#include <new>

namespace agw {
namespace {

// Of the list's tail, how many nodes that may go are looked at for one with nothing used, and how
// many are passed that may not.
constexpr int kEvictionLooks = 16;
constexpr std::uint32_t kMaxEvictionSteps = 4096;
// Names that clients choose, of users and of agents, have at most a third of the nodes each.
constexpr std::uint32_t kShareOfNames = 3;
constexpr std::uint32_t kMeanWeight = 8;  // a new count moves the mean by an eighth

std::uint8_t groupOf(LimitPer per) noexcept { return static_cast<std::uint8_t>(per); }

// A process that is killed keeps the order of its own stores; only the compiler might change it.
void keepStoreOrder() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }

}  // namespace

// ---- Memory ------------------------------------------------------------------------------------

LimitStore::Size LimitStore::fit(std::size_t bytes) noexcept {
  constexpr std::size_t kNode = sizeof(Node) + sizeof(std::uint32_t);
  constexpr std::size_t kShare = 6;
  const std::size_t room = bytes > sizeof(LimitStore) + 64 ? bytes - sizeof(LimitStore) - 64 : 0;
  const auto bounded = [](std::size_t count) {
    return static_cast<std::uint32_t>(std::min<std::size_t>(count, kNoIndex - 1));
  };
  return {.nodes = bounded((room - room / kShare) / kNode),
          .entries = bounded(room / kShare / sizeof(Entry))};
}

std::size_t LimitStore::bytesFor(Size size) noexcept {
  return (sizeof(LimitStore) + 63) / 64 * 64 + std::size_t{size.entries} * sizeof(Entry) +
         std::size_t{size.nodes} * (sizeof(Node) + sizeof(std::uint32_t));
}

LimitStore* LimitStore::create(void* memory, Size size) noexcept {
  return new (memory) LimitStore(size);
}

LimitStore::LimitStore(Size size) noexcept
    : size_(size), bucket_count_(size.nodes), busy_(0), forgotten_(0), rebuilds_(0) {
  for (std::uint32_t i = 0; i < size_.nodes; ++i) {
    new (nodes() + i) Node{};
  }
  for (std::uint32_t i = 0; i < size_.entries; ++i) {
    new (entries() + i) Entry{};
  }
  rebuild();
  rebuilds_ = 0;
}

LimitStore::Entry* LimitStore::entries() const noexcept {
  char* base = const_cast<char*>(reinterpret_cast<const char*>(this));
  return reinterpret_cast<Entry*>(base + (sizeof(LimitStore) + 63) / 64 * 64);
}

LimitStore::Node* LimitStore::nodes() const noexcept {
  return reinterpret_cast<Node*>(entries() + size_.entries);
}

std::uint32_t* LimitStore::buckets() const noexcept {
  return reinterpret_cast<std::uint32_t*>(nodes() + size_.nodes);
}

std::uint32_t& LimitStore::bucketOf(const LimitIdentity& who) const noexcept {
  const auto place = (static_cast<unsigned __int128>(who.words[0]) * bucket_count_) >> 64;
  return buckets()[static_cast<std::size_t>(place)];
}

// ---- Nodes -------------------------------------------------------------------------------------

std::uint32_t LimitStore::find(const LimitIdentity& who) const noexcept {
  std::uint32_t at = bucketOf(who);
  while (at != kNoIndex && !(nodes()[at].who == who)) {
    at = nodes()[at].chain;
  }
  return at;
}

void LimitStore::linkNewest(std::uint32_t index) noexcept {
  Node& node = nodes()[index];
  UseList& list = use_[node.group];
  node.newer = kNoIndex;
  node.older = list.newest;
  (list.newest != kNoIndex ? nodes()[list.newest].newer : list.oldest) = index;
  list.newest = index;
  ++list.count;
}

void LimitStore::unlink(std::uint32_t index) noexcept {
  const Node& node = nodes()[index];
  UseList& list = use_[node.group];
  (node.newer != kNoIndex ? nodes()[node.newer].older : list.newest) = node.older;
  (node.older != kNoIndex ? nodes()[node.older].newer : list.oldest) = node.newer;
  --list.count;
}

void LimitStore::touch(std::uint32_t index) noexcept {
  if (use_[nodes()[index].group].newest != index) {
    unlink(index);
    linkNewest(index);
  }
}

// Takes the node of a group that was used least recently: one with nothing used if there is one
// near the tail, otherwise, unless `must_rest`, any that no open request names.
std::uint32_t LimitStore::evict(std::uint8_t group, bool must_rest, Nanoseconds now) noexcept {
  std::uint32_t chosen = kNoIndex;
  bool is_at_rest = false;
  std::uint32_t at = use_[group].oldest;
  std::uint32_t left = std::min(use_[group].count, kMaxEvictionSteps);
  for (int looks = 0; looks < kEvictionLooks && left != 0 && !is_at_rest; --left) {
    const Node& node = nodes()[at];
    const std::uint32_t newer = node.newer;
    if (node.pins != 0) {
      touch(at);  // an open request is a use, however long ago it began
    } else {
      ++looks;
      is_at_rest = node.requests_arrival <= now && node.tokens_arrival <= now;
      chosen = chosen == kNoIndex || is_at_rest ? at : chosen;
    }
    at = newer;
  }
  if (chosen == kNoIndex || (must_rest && !is_at_rest)) {
    return kNoIndex;
  }
  forgotten_ += is_at_rest ? 0 : 1;
  std::uint32_t* link = &bucketOf(nodes()[chosen].who);
  while (*link != chosen) {
    link = &nodes()[*link].chain;
  }
  *link = nodes()[chosen].chain;
  unlink(chosen);
  nodes()[chosen].used = 0;
  keepStoreOrder();
  return chosen;
}

// The node for somebody new. When none is free another makes room: one at rest rather than one in
// use, one of the own group rather than one of another. What is in use makes room for its own group
// and for keys alone.
std::uint32_t LimitStore::takeNode(std::uint8_t group, Nanoseconds now) noexcept {
  const bool is_key = group == groupOf(LimitPer::Key);
  const bool is_share_full = !is_key && use_[group].count >= size_.nodes / kShareOfNames;
  if (!is_share_full && free_node_ != kNoIndex) {
    const std::uint32_t index = free_node_;
    free_node_ = nodes()[index].chain;
    return index;
  }
  for (const bool must_rest : {true, false}) {
    std::uint32_t index = evict(group, must_rest, now);
    const bool may_ask_others = is_key || (must_rest && !is_share_full);
    for (std::uint8_t other = kLimitPers; index == kNoIndex && may_ask_others && other-- > 0;) {
      index = other != group ? evict(other, must_rest, now) : kNoIndex;
    }
    if (index != kNoIndex) {
      return index;
    }
  }
  return kNoIndex;
}

std::uint32_t LimitStore::findOrMake(const LimitIdentity& who, LimitPer per,
                                     Nanoseconds now) noexcept {
  std::uint32_t index = find(who);
  if (index != kNoIndex) {
    touch(index);
    return index;
  }
  const std::uint8_t group = groupOf(per);
  index = takeNode(group, now);
  if (index == kNoIndex) {
    return kNoIndex;
  }
  Node& node = nodes()[index];
  node = Node{};
  node.who = who;
  node.group = group;
  node.chain = bucketOf(who);
  keepStoreOrder();
  node.used = 1;
  bucketOf(who) = index;
  linkNewest(index);
  return index;
}

std::uint32_t LimitStore::meanCompletion(const LimitIdentity& who) const noexcept {
  const std::uint32_t index = find(who);
  const std::uint32_t mean = index == kNoIndex ? 0 : nodes()[index].mean_completion;
  return mean != 0 ? mean : kFirstGuess;
}

// ---- Ledger ------------------------------------------------------------------------------------

std::uint32_t LimitStore::takeEntry(std::uint32_t owner) noexcept {
  const std::uint32_t index = free_entry_;
  if (index == kNoIndex) {
    return kNoIndex;
  }
  Entry& entry = entries()[index];
  free_entry_ = entry.next_free;
  entry.slots = 0;
  entry.nodes.fill(kNoIndex);
  entry.reserved.fill(0);
  keepStoreOrder();
  entry.owner = owner + 1;
  ++entries_used_;
  return index;
}

// The place of a node in the entry; it is pinned when it takes one. An entry has a place for every
// claim that a request can make.
std::size_t LimitStore::placeOf(Entry& entry, std::uint32_t node) noexcept {
  std::size_t place = 0;
  while (place + 1 < kMaxClaims && entry.nodes[place] != node && entry.nodes[place] != kNoIndex) {
    ++place;
  }
  if (entry.nodes[place] == kNoIndex) {
    entry.nodes[place] = node;
    keepStoreOrder();
    ++nodes()[node].pins;
  }
  return place;
}

// The node of every claim. One that was found is pinned while the others are made, so that none
// takes the place of another.
LimitOutcome LimitStore::findAll(std::span<LimitClaim> claims, Nanoseconds now) noexcept {
  LimitOutcome outcome;
  std::size_t found = 0;
  for (; found < claims.size(); ++found) {
    LimitClaim& claim = claims[found];
    claim.node = findOrMake(claim.who, claim.per, now);
    if (claim.node != kNoIndex) {
      ++nodes()[claim.node].pins;
    } else if (!claim.dry_run) {
      outcome.verdict = LimitVerdict::Full;
      break;
    }
  }
  for (std::size_t i = 0; i < found; ++i) {
    if (claims[i].node != kNoIndex) {
      --nodes()[claims[i].node].pins;
    }
  }
  return outcome;
}

LimitOutcome LimitStore::admit(std::span<LimitClaim> claims, std::uint64_t tokens, Nanoseconds now,
                               std::uint32_t owner, std::uint32_t& entry_index) noexcept {
  LimitOutcome outcome = findAll(claims, now);
  if (outcome.verdict == LimitVerdict::Full) {
    return outcome;
  }
  bool holds_something = false;
  bool must_hold = false;  // not only for dry runs
  const auto refuse = [&](std::size_t claim, LimitKind kind, Nanoseconds retry_after) {
    const bool is_dry = claims[claim].dry_run;
    const bool is_first =
        outcome.verdict == LimitVerdict::Admitted && (!is_dry || !outcome.would_refuse);
    if (is_first) {
      outcome.claim = static_cast<std::uint8_t>(claim);
      outcome.kind = kind;
      outcome.retry_after = retry_after;
      outcome.would_refuse = is_dry;
      outcome.verdict = is_dry ? LimitVerdict::Admitted : LimitVerdict::Refused;
    }
  };
  // What a dry run would refuse is not charged: it goes on counting as if it had been refused.
  std::array<bool, kMaxClaims> is_charged{};
  for (std::size_t i = 0; i < claims.size(); ++i) {
    LimitClaim& claim = claims[i];
    if (claim.node == kNoIndex) {
      continue;  // a dry run without room judges nothing
    }
    Node& node = nodes()[claim.node];
    bool fits = true;
    if (claim.requests.isSet()) {
      const Nanoseconds period = periodOf(claim.requests);
      node.requests_arrival = gcraRescale(node.requests_arrival, now, node.requests_period, period);
      node.requests_period = period;
      claim.requests_view = gcraLook(claim.requests, node.requests_arrival, now, 1);
      if (!claim.requests_view.admits) {
        fits = false;
        refuse(i, LimitKind::Requests, claim.requests_view.retry_after);
      }
    }
    if (claim.streams != 0 && node.slots >= claim.streams) {
      fits = false;
      refuse(i, LimitKind::Streams, 0);
    }
    if (claim.tokens.isSet()) {
      const Nanoseconds period = periodOf(claim.tokens);
      node.tokens_arrival = gcraRescale(node.tokens_arrival, now, node.tokens_period, period);
      node.tokens_period = period;
      const std::uint64_t wanted = std::min(tokens, claim.tokens.burst);
      claim.tokens_view = gcraLook(claim.tokens, node.tokens_arrival, now, wanted, node.reserved);
      if (!claim.tokens_view.admits) {
        fits = false;
        refuse(i, LimitKind::Tokens, claim.tokens_view.retry_after);
      }
    }
    is_charged[i] = fits;
    const bool holds = fits && (claim.streams != 0 || claim.tokens.isSet());
    holds_something = holds_something || holds;
    must_hold = must_hold || (holds && !claim.dry_run);
  }
  if (outcome.verdict != LimitVerdict::Admitted) {
    return outcome;
  }
  if (holds_something && entry_index == kNoIndex) {
    entry_index = takeEntry(owner);
    if (entry_index == kNoIndex && must_hold) {
      outcome.verdict = LimitVerdict::Full;
      return outcome;
    }
  }
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const LimitClaim& claim = claims[i];
    if (!is_charged[i]) {
      continue;
    }
    Node& node = nodes()[claim.node];
    if (claim.requests.isSet()) {
      node.requests_arrival = gcraCharge(node.requests_period, node.requests_arrival, now, 1);
    }
    if (entry_index == kNoIndex || (claim.streams == 0 && !claim.tokens.isSet())) {
      continue;
    }
    Entry& entry = entries()[entry_index];
    const std::size_t place = placeOf(entry, claim.node);
    if (claim.streams != 0) {
      entry.slots |= 1U << place;
      ++node.slots;
      ++slots_;
    }
    if (claim.tokens.isSet()) {
      const std::uint64_t wanted = std::min(tokens, claim.tokens.burst);
      entry.reserved[place] += wanted;
      node.reserved += wanted;
      reserved_ += wanted;
    }
  }
  return outcome;
}

void LimitStore::close(std::uint32_t index, const LimitCharge& charge, Nanoseconds now) noexcept {
  Entry& entry = entries()[index];
  if (entry.owner == 0) {
    return;
  }
  for (std::size_t place = 0; place < kMaxClaims; ++place) {
    if (entry.nodes[place] == kNoIndex) {
      continue;
    }
    Node& node = nodes()[entry.nodes[place]];
    if ((entry.slots & (1U << place)) != 0) {
      --node.slots;
      --slots_;
    }
    if (entry.reserved[place] != 0) {
      node.reserved -= entry.reserved[place];
      reserved_ -= entry.reserved[place];
      const std::uint64_t tokens =
          charge.is_estimate ? std::max(charge.tokens, entry.reserved[place]) : charge.tokens;
      node.tokens_arrival = gcraCharge(node.tokens_period, node.tokens_arrival, now, tokens);
    }
    if (charge.completion > 0) {
      const auto seen =
          static_cast<std::uint32_t>(std::min<std::int64_t>(charge.completion, 1 << 30));
      node.mean_completion =
          node.mean_completion == 0
              ? seen
              : node.mean_completion - node.mean_completion / kMeanWeight + seen / kMeanWeight;
    }
    --node.pins;
  }
  entry.owner = 0;
  keepStoreOrder();
  entry.next_free = free_entry_;
  free_entry_ = index;
  --entries_used_;
}

std::uint64_t LimitStore::reservedBy(std::uint32_t index) const noexcept {
  const auto& reserved = entries()[index].reserved;
  return *std::max_element(reserved.begin(), reserved.end());
}

std::uint32_t LimitStore::recover(std::uint32_t owner, Nanoseconds now,
                                  std::uint64_t& tokens) noexcept {
  std::uint32_t recovered = 0;
  for (std::uint32_t i = 0; i < size_.entries && entries_used_ != 0; ++i) {
    if (entries()[i].owner == owner + 1) {
      tokens += reservedBy(i);
      close(i, {.is_estimate = true}, now);
      ++recovered;
    }
  }
  return recovered;
}

LimitStore::Totals LimitStore::totals() const noexcept {
  return {.nodes = size_.nodes,
          .nodes_used = use_[0].count + use_[1].count + use_[2].count,
          .entries = size_.entries,
          .entries_used = entries_used_,
          .slots = slots_,
          .reserved = reserved_,
          .forgotten = forgotten_,
          .rebuilds = rebuilds_};
}

}  // namespace agw
