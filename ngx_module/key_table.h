// The table of API keys in shared memory: two halves of a fixed size, of which the generation says
// the live one.
//
// One writer at a time (the master at start and at reload, otherwise the worker that watches the
// file) fills the idle half and then raises the generation; any number of workers, draining ones of
// an older configuration too, read without a lock. A sequence count per half tells a reader that it
// was overtaken. Nothing is kept per worker, so a worker that dies leaves nothing behind. Offsets
// only: the memory may lie at another address in every process.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/api_key.h"
#include "shared/edge_headers.h"

namespace agw {

// The limits of a key line; a count of 0: not set.
struct KeyLimits {
  std::uint64_t requests = 0;
  std::uint64_t tokens = 0;
  std::uint32_t requests_window = 0;  // seconds
  std::uint32_t tokens_window = 0;
  std::uint32_t burst = 0;
  std::uint32_t streams = 0;
  std::uint32_t max_run = 0;  // seconds
  std::uint32_t unused = 0;
  bool operator==(const KeyLimits&) const = default;
};
static_assert(sizeof(KeyLimits) == 40);

// One cache line. Short ids stand in the slot; long ones, and what many keys share (limits and
// grants, its policy), in the text of the half.
struct KeySlot {
  static constexpr std::size_t kInlineId = 19;

  KeyHash hash;
  std::uint32_t expires_unix;  // 0: never
  std::uint32_t policy;        // where it begins, in words of 8 bytes: KeyLimits, then grants
  std::uint16_t grants_size;
  ScopeSet scopes;
  std::uint8_t id_size;
  std::uint8_t used;
  std::array<char, kInlineId> inline_id;  // or, of a long id, where it begins, in words

  std::uint32_t longIdAt() const noexcept;
  void setLongIdAt(std::uint32_t word) noexcept;
};
static_assert(sizeof(KeySlot) == 64);

// What one half will hold, made in private memory before anything shared is touched.
struct KeyImage {
  std::vector<KeySlot> slots;  // KeyTable::slotsFor(capacity)
  std::string text;            // at most the table's textSize()
  std::uint64_t keys = 0;
};

// A copy of one entry. `grants` is the value of X-Agent-Grants.
struct FoundKey {
  std::uint32_t expires_unix = 0;
  ScopeSet scopes = 0;
  std::uint8_t id_size = 0;
  std::uint16_t grants_size = 0;
  alignas(8) KeyLimits limits;
  alignas(8) std::array<char, kMaxKeyId> id_bytes;
  alignas(8) std::array<char, kMaxKeyLine + 64> grants_bytes;

  std::string_view id() const noexcept { return {id_bytes.data(), id_size}; }
  std::string_view grants() const noexcept { return {grants_bytes.data(), grants_size}; }
};

// Keys that will be refused, or are, because of their time.
struct ExpiryCount {
  std::uint64_t expired = 0;
  std::uint64_t expiring = 0;
  struct Key {
    std::string id;
    std::uint32_t expires_unix;
  };
  std::vector<Key> first;  // of the expiring ones, at most kMaxNamed
  static constexpr std::size_t kMaxNamed = 20;
};

enum class KeyLookup { Found, Unknown, NotLoaded };

class KeyTable {
 public:
  static constexpr std::uint64_t kMaxKeys = 16'000'000;

  static std::uint64_t slotsFor(std::uint64_t capacity) noexcept {
    return capacity + capacity / 3 + 8;
  }
  // Room for ids and rules. Equal policies are stored once, so a key needs little of it; the base
  // lets a small table hold long rules.
  static constexpr std::uint64_t kLargestTextPerKey = 96;
  static std::uint64_t smallestText(std::uint64_t capacity) noexcept {
    return capacity * 8 + 64 * 1024;
  }
  static std::uint64_t bytesFor(std::uint64_t capacity, std::uint64_t text_size) noexcept;
  // The slot at which the search for `hash` starts.
  static std::uint64_t firstSlot(const KeyHash& hash, std::uint64_t slots) noexcept;

  // `memory`: bytesFor(capacity, text_size) bytes, 64-aligned; text_size is a multiple of 8. The
  // table starts with generation 0: not loaded.
  static KeyTable* create(void* memory, std::uint64_t capacity, std::uint64_t text_size) noexcept;

  std::uint64_t capacity() const noexcept { return capacity_; }
  std::uint64_t textSize() const noexcept { return text_size_; }
  std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }

  // The writer's two steps; `image` was built for this capacity. A crash in between leaves the live
  // half as it was. fillIdle() may run in a thread of its own.
  void fillIdle(const KeyImage& image) noexcept;
  void publish() noexcept;

  KeyLookup find(const KeyHash& hash, FoundKey& found) const noexcept;
  // Of the live half. For the writer, since nobody else may change halves meanwhile.
  ExpiryCount countExpiring(std::int64_t now_unix, std::int64_t soon_unix) const;

 private:
  struct Half {
    std::atomic<std::uint64_t> sequence;  // odd while it is being written
    std::uint64_t keys;
  };

  KeyTable(std::uint64_t capacity, std::uint64_t text_size) noexcept;
  std::uint64_t halfBytes() const noexcept;
  char* slotBytes(std::uint64_t half) const noexcept;
  char* textBytes(std::uint64_t half) const noexcept;
  bool readId(const char* text, const KeySlot& slot, FoundKey& found) const noexcept;
  bool readSlot(std::uint64_t half, const char* place, FoundKey& found) const noexcept;
  bool readHalf(std::uint64_t half, const KeyHash& hash, FoundKey& found) const noexcept;

  std::uint64_t capacity_;
  std::uint64_t slots_;
  std::uint64_t text_size_;
  std::atomic<std::uint64_t> generation_;
  std::array<Half, 2> halves_;
};

}  // namespace agw
