// The state of limits in shared memory: a node for each key, user or agent that is limited, and the
// ledger, an entry for each open request that holds something to give back (slots, reserved
// tokens). No nginx in here.
//
// Thread rule: every call but create() and the free functions is made inside a LimitSection, that
// is under one lock which all processes share. Indexes, no pointers: the memory may lie at another
// address in every process. A process may be killed at any instruction: entries and the `used` mark
// of nodes are the truth, from which the next section rebuilds everything else.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "shared/gcra.h"

namespace agw {

enum class LimitPer : std::uint8_t { Key, User, Agent };
enum class LimitKind : std::uint8_t { Requests, Tokens, Streams };
inline constexpr std::size_t kLimitPers = 3;
inline constexpr std::size_t kLimitKinds = 3;

// A keyed hash of who is limited and by which limit; see limits.cpp.
struct LimitIdentity {
  std::array<std::uint64_t, 2> words{};
  bool operator==(const LimitIdentity&) const = default;
};

inline constexpr std::uint32_t kNoIndex = 0xFFFFFFFF;

// One limited party of a request: what it may do, and after admit() how it stands.
struct LimitClaim {
  LimitIdentity who;
  LimitPer per = LimitPer::Key;
  bool dry_run = false;  // judged and counted, never refused
  RateLimit requests;    // not set: none; the same below
  RateLimit tokens;
  std::uint32_t streams = 0;  // requests in flight; 0: none

  std::uint32_t node = kNoIndex;  // set by admit()
  GcraView requests_view{};       // of limits that are set
  GcraView tokens_view{};
};

enum class LimitVerdict : std::uint8_t { Admitted, Refused, Full };

struct LimitOutcome {
  LimitVerdict verdict = LimitVerdict::Admitted;
  // Refused, or Admitted with would_refuse (a dry run): by which claim and which of its limits.
  bool would_refuse = false;
  std::uint8_t claim = 0;
  LimitKind kind = LimitKind::Requests;
  Nanoseconds retry_after = 0;  // 0: not known (streams)
};

// What a request has used in the end.
struct LimitCharge {
  std::uint64_t tokens = 0;
  bool is_estimate = false;      // then each party pays at least what it had reserved
  std::int64_t completion = -1;  // tokens that the model wrote; negative: not known
};

class LimitStore {
 public:
  static constexpr std::size_t kMaxClaims = 4;

  struct Size {
    std::uint32_t nodes;
    std::uint32_t entries;
  };
  static constexpr Size kSmallest{512, 256};
  // Entries get a sixth of the memory, nodes the rest.
  static Size fit(std::size_t bytes) noexcept;
  static std::size_t bytesFor(Size size) noexcept;

  // `memory`: bytesFor(size) bytes, 64-aligned.
  static LimitStore* create(void* memory, Size size) noexcept;

  // Judges all claims, then, if none refuses, charges all of them: one request and one slot each,
  // and `tokens` reserved, where the limit is set. What is to be given back goes to the ledger
  // entry `entry`; kNoIndex: one is made when it is needed, owned by `owner`. Full: the memory
  // holds no more nodes or entries, and nothing was charged.
  LimitOutcome admit(std::span<LimitClaim> claims, std::uint64_t tokens, Nanoseconds now,
                     std::uint32_t owner, std::uint32_t& entry) noexcept;

  // Gives back what the entry holds, and charges the tokens.
  void close(std::uint32_t entry, const LimitCharge& charge, Nanoseconds now) noexcept;
  // The most that any claim of the entry has reserved.
  std::uint64_t reservedBy(std::uint32_t entry) const noexcept;

  // Closes all entries of an owner that is gone; charges what they had reserved. Returns how many;
  // adds the charged tokens to `tokens`.
  std::uint32_t recover(std::uint32_t owner, Nanoseconds now, std::uint64_t& tokens) noexcept;

  // Completion tokens that a request of this party takes, on average; kFirstGuess before any is
  // known.
  static constexpr std::uint32_t kFirstGuess = 256;
  std::uint32_t meanCompletion(const LimitIdentity& who) const noexcept;

  struct Totals {
    std::uint32_t nodes, nodes_used, entries, entries_used;
    std::uint64_t slots, reserved;
    std::uint64_t forgotten;  // nodes that made room although something was still used
    std::uint64_t rebuilds;
  };
  // Walks no memory: the sums are kept.
  Totals totals() const noexcept;
  // Recomputes what totals() keeps and compares everything that hangs together. For tests.
  bool isSound() const noexcept;

 private:
  friend class LimitSection;

  // 96 bytes: a cache line and a half.
  struct Node {
    LimitIdentity who;
    Nanoseconds requests_arrival;
    Nanoseconds tokens_arrival;
    Nanoseconds requests_period;  // of the last use
    Nanoseconds tokens_period;
    std::uint64_t reserved;
    std::uint32_t slots;
    std::uint32_t pins;  // entries that name this node
    std::uint32_t mean_completion;
    std::uint32_t chain;  // the next node of the bucket, or of the free list
    std::uint32_t newer;
    std::uint32_t older;
    std::uint8_t used;
    std::uint8_t group;  // whose list of use it is in
    std::array<std::uint8_t, 14> unused;
  };
  static_assert(sizeof(Node) == 96);
  struct Entry {
    std::uint32_t owner;  // plus one; 0: free
    std::uint32_t slots;  // bit per place in `nodes`: a slot is held there
    std::array<std::uint32_t, kMaxClaims> nodes;
    std::array<std::uint64_t, kMaxClaims> reserved;
    std::uint32_t next_free;
    std::uint32_t unused;
  };
  static_assert(sizeof(Entry) == 64);
  // Nodes by time of use. Users and agents, whose names clients choose, have lists of their own and
  // at most a third of the nodes each, so that they cannot push out keys.
  struct UseList {
    std::uint32_t newest;
    std::uint32_t oldest;
    std::uint32_t count;
  };

  explicit LimitStore(Size size) noexcept;
  Node* nodes() const noexcept;
  Entry* entries() const noexcept;
  std::uint32_t* buckets() const noexcept;
  std::uint32_t& bucketOf(const LimitIdentity& who) const noexcept;
  std::uint32_t find(const LimitIdentity& who) const noexcept;
  std::uint32_t findOrMake(const LimitIdentity& who, LimitPer per, Nanoseconds now) noexcept;
  LimitOutcome findAll(std::span<LimitClaim> claims, Nanoseconds now) noexcept;
  std::uint32_t evict(std::uint8_t group, bool must_rest, Nanoseconds now) noexcept;
  std::uint32_t takeNode(std::uint8_t group, Nanoseconds now) noexcept;
  void linkNewest(std::uint32_t node) noexcept;
  void unlink(std::uint32_t node) noexcept;
  void touch(std::uint32_t node) noexcept;
  std::uint32_t takeEntry(std::uint32_t owner) noexcept;
  std::size_t placeOf(Entry& entry, std::uint32_t node) noexcept;
  void rebuild() noexcept;
  void rebuildNodes() noexcept;

  Size size_;
  std::uint32_t bucket_count_;
  std::uint32_t busy_;  // process inside a section; not 0 on entry: it died there
  std::uint32_t free_node_;
  std::uint32_t free_entry_;
  std::array<UseList, kLimitPers> use_;
  std::uint32_t entries_used_;
  std::uint64_t slots_;
  std::uint64_t reserved_;
  std::uint64_t forgotten_;
  std::uint64_t rebuilds_;
};

// The lock that all processes share.
struct LimitLock {
  void* data;
  void (*lock)(void* data) noexcept;
  void (*unlock)(void* data) noexcept;
};

// Holds the lock. A section whose process was killed inside one leaves a mark; the next one mends
// the store before it goes on.
class LimitSection {
 public:
  LimitSection(LimitStore& store, const LimitLock& lock, std::uint32_t process) noexcept;
  ~LimitSection();
  LimitSection(const LimitSection&) = delete;
  LimitSection& operator=(const LimitSection&) = delete;

 private:
  LimitStore& store_;
  const LimitLock& lock_;
};

}  // namespace agw
