// The table of API keys in shared memory: two halves of a fixed size, of which the generation says
// the live one.
//
// One writer at a time (the master, at start and at reload) fills the idle half and then raises the
// generation; any number of workers, draining ones of an older configuration too, read without a
// lock. A sequence count per half tells a reader that it was overtaken. Nothing is kept per worker,
// so a worker that dies leaves nothing behind. Offsets only: the memory may lie at another address
// in every process.
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

// One cache line. Short ids stand in the slot, long ids and the grants in the text of the half.
struct KeySlot {
  static constexpr std::size_t kInlineId = 15;

  KeyHash hash;
  std::uint32_t expires_unix;   // 0: never
  std::uint32_t grants_offset;  // 8-aligned
  std::uint32_t id_offset;      // 8-aligned; unused for an inline id
  std::uint16_t grants_size;
  ScopeSet scopes;
  std::uint8_t id_size;
  std::uint8_t used;
  std::array<char, kInlineId> inline_id;
};
static_assert(sizeof(KeySlot) == 64);

// What one half will hold, made in private memory before anything shared is touched.
struct KeyImage {
  std::vector<KeySlot> slots;  // KeyTable::slotsFor(capacity)
  std::string text;            // at most KeyTable::textFor(capacity)
  std::uint64_t keys = 0;
  std::uint64_t limited_keys =
      0;  // keys with a limit, which this module checks but does not enforce
  std::uint64_t first_limited_line = 0;
};

// A copy of one entry. `grants` is the value of X-Agent-Grants.
struct FoundKey {
  std::uint32_t expires_unix = 0;
  ScopeSet scopes = 0;
  std::uint8_t id_size = 0;
  std::uint16_t grants_size = 0;
  alignas(8) std::array<char, kMaxKeyId> id_bytes;
  alignas(8) std::array<char, kMaxKeyLine + 64> grants_bytes;

  std::string_view id() const noexcept { return {id_bytes.data(), id_size}; }
  std::string_view grants() const noexcept { return {grants_bytes.data(), grants_size}; }
};

enum class KeyLookup { Found, Unknown, NotLoaded };

class KeyTable {
 public:
  static constexpr std::uint64_t kMaxKeys = 16'000'000;

  static std::uint64_t slotsFor(std::uint64_t capacity) noexcept {
    return capacity + capacity / 3 + 8;
  }
  static std::uint64_t textFor(std::uint64_t capacity) noexcept {
    return capacity * kTextPerKey + kTextBase;
  }
  static std::uint64_t bytesFor(std::uint64_t capacity) noexcept;
  // The slot at which the search for `hash` starts.
  static std::uint64_t firstSlot(const KeyHash& hash, std::uint64_t slots) noexcept;

  // `memory`: bytesFor(capacity) bytes, 64-aligned. The table starts with generation 0: not loaded.
  static KeyTable* create(void* memory, std::uint64_t capacity) noexcept;

  std::uint64_t capacity() const noexcept { return capacity_; }
  std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }

  // `image` was built for this capacity. A crash in between leaves the live half as it was.
  void publish(const KeyImage& image) noexcept;
  KeyLookup find(const KeyHash& hash, FoundKey& found) const noexcept;

 private:
  // Room for ids and grants: equal grants are stored once, so this is an average that few files
  // reach; the base lets a small table hold long rules.
  static constexpr std::uint64_t kTextPerKey = 96;
  static constexpr std::uint64_t kTextBase = 64 * 1024;

  struct Half {
    std::atomic<std::uint64_t> sequence;  // odd while it is being written
    std::uint64_t keys;
  };

  explicit KeyTable(std::uint64_t capacity) noexcept;
  std::uint64_t halfBytes() const noexcept;
  char* slotBytes(std::uint64_t half) const noexcept;
  char* textBytes(std::uint64_t half) const noexcept;
  bool readHalf(std::uint64_t half, const KeyHash& hash, FoundKey& found) const noexcept;

  std::uint64_t capacity_;
  std::uint64_t slots_;
  std::uint64_t text_size_;
  std::atomic<std::uint64_t> generation_;
  std::array<Half, 2> halves_;
};

}  // namespace agw
