#include "ngx_module/key_table.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <new>

#include "ngx_module/work_pieces.h"

namespace agw {
namespace {

// A reader is disturbed only when two loads happen within one lookup; this many in a row means that
// the writer died in the middle or runs in a loop.
constexpr int kMaxAttempts = 1000;
constexpr std::uint64_t kAlignment = 64;

constexpr std::uint64_t alignUp(std::uint64_t size, std::uint64_t alignment) {
  return (size + alignment - 1) / alignment * alignment;
}

// Word by word and atomic, because the other side may be at work on the same bytes: a torn copy is
// thrown away after the look at the sequence count, but it must not be undefined. `size` is rounded
// up to words.
void copyOut(void* to, const char* from, std::size_t size) noexcept {
  auto* out = static_cast<char*>(to);
  for (std::size_t i = 0; i < size; i += 8) {
    std::uint64_t word =
        __atomic_load_n(reinterpret_cast<const std::uint64_t*>(from + i), __ATOMIC_RELAXED);
    std::memcpy(out + i, &word, 8);
  }
}

void copyIn(char* to, const void* from, std::size_t size) noexcept {
  const auto* in = static_cast<const char*>(from);
  WorkPieces pieces;
  for (std::size_t begin = 0; begin < size; begin += WorkPieces::kBytes) {
    const std::size_t end = std::min(size, begin + WorkPieces::kBytes);
    for (std::size_t i = begin; i < end; i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, in + i, end - i < 8 ? end - i : 8);
      __atomic_store_n(reinterpret_cast<std::uint64_t*>(to + i), word, __ATOMIC_RELAXED);
    }
    pieces.note(end - begin);
  }
}

std::uint64_t wordAt(const char* place) noexcept {
  return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(place), __ATOMIC_RELAXED);
}

// Looks at one word of the slot, not at all of it.
bool isUsed(const char* slot) noexcept {
  constexpr std::size_t kAt = offsetof(KeySlot, used);
  const std::uint64_t word = wordAt(slot + kAt / 8 * 8);
  std::array<unsigned char, 8> bytes;
  std::memcpy(bytes.data(), &word, sizeof word);
  return bytes[kAt % 8] != 0;
}

// In the same time whatever they have in common.
bool holdsHash(const char* slot,
               const std::array<std::uint64_t, sizeof(KeyHash) / 8>& wanted) noexcept {
  std::uint64_t different = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    different |= wordAt(slot + offsetof(KeySlot, hash) + i * 8) ^ wanted[i];
  }
  return different == 0;
}

}  // namespace

std::uint64_t KeyTable::firstSlot(const KeyHash& hash, std::uint64_t slots) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, hash.data(), sizeof word);
  return static_cast<std::uint64_t>((static_cast<unsigned __int128>(word) * slots) >> 64);
}

std::uint32_t KeySlot::longIdAt() const noexcept {
  std::uint32_t word = 0;
  std::memcpy(&word, inline_id.data(), sizeof word);
  return word;
}

void KeySlot::setLongIdAt(std::uint32_t word) noexcept {
  std::memcpy(inline_id.data(), &word, sizeof word);
}

std::uint64_t KeyTable::bytesFor(std::uint64_t capacity, std::uint64_t text_size) noexcept {
  const std::uint64_t half = slotsFor(capacity) * sizeof(KeySlot) + alignUp(text_size, kAlignment);
  return alignUp(sizeof(KeyTable), kAlignment) + 2 * half;
}

KeyTable::KeyTable(std::uint64_t capacity, std::uint64_t text_size) noexcept
    : capacity_(capacity), slots_(slotsFor(capacity)), text_size_(text_size), generation_(0) {
  for (Half& half : halves_) {
    half.sequence.store(0, std::memory_order_relaxed);
    half.keys = 0;
  }
}

KeyTable* KeyTable::create(void* memory, std::uint64_t capacity, std::uint64_t text_size) noexcept {
  return new (memory) KeyTable(capacity, text_size);
}

std::uint64_t KeyTable::halfBytes() const noexcept {
  return slots_ * sizeof(KeySlot) + alignUp(text_size_, kAlignment);
}

char* KeyTable::slotBytes(std::uint64_t half) const noexcept {
  char* base = const_cast<char*>(reinterpret_cast<const char*>(this));
  return base + alignUp(sizeof(KeyTable), kAlignment) + half * halfBytes();
}

char* KeyTable::textBytes(std::uint64_t half) const noexcept {
  return slotBytes(half) + slots_ * sizeof(KeySlot);
}

void KeyTable::fillIdle(const KeyImage& image) noexcept {
  const std::uint64_t next = generation_.load(std::memory_order_relaxed) + 1;
  Half& half = halves_[next & 1];
  // A writer that died here left the count odd: go on from it.
  const std::uint64_t sequence = half.sequence.load(std::memory_order_relaxed) | 1;
  half.sequence.store(sequence, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  copyIn(slotBytes(next & 1), image.slots.data(), image.slots.size() * sizeof(KeySlot));
  copyIn(textBytes(next & 1), image.text.data(), image.text.size());
  half.keys = image.keys;
  half.sequence.store(sequence + 1, std::memory_order_release);
}

void KeyTable::publish() noexcept {
  generation_.store(generation_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
}

bool KeyTable::readId(const char* text, const KeySlot& slot, FoundKey& found) const noexcept {
  if (slot.id_size <= KeySlot::kInlineId) {
    std::memcpy(found.id_bytes.data(), slot.inline_id.data(), slot.id_size);
    return true;
  }
  const std::uint64_t at = std::uint64_t{slot.longIdAt()} * 8;
  if (slot.id_size > kMaxKeyId || at + slot.id_size > text_size_) {
    return false;
  }
  copyOut(found.id_bytes.data(), text + at, slot.id_size);
  return true;
}

// Everything read may be half-written; no value leads outside the half.
bool KeyTable::readHalf(std::uint64_t half, const KeyHash& hash, FoundKey& found) const noexcept {
  const char* slots = slotBytes(half);
  std::uint64_t at = firstSlot(hash, slots_);
  std::array<std::uint64_t, sizeof(KeyHash) / 8> wanted;
  std::memcpy(wanted.data(), hash.data(), sizeof wanted);
  for (std::uint64_t probes = 0; probes < slots_; ++probes, at = at + 1 == slots_ ? 0 : at + 1) {
    const char* place = slots + at * sizeof(KeySlot);
    if (!isUsed(place)) {
      return false;
    }
    if (holdsHash(place, wanted)) {
      return readSlot(half, place, found);
    }
  }
  return false;
}

bool KeyTable::readSlot(std::uint64_t half, const char* place, FoundKey& found) const noexcept {
  KeySlot slot;
  copyOut(&slot, place, sizeof slot);
  const char* text = textBytes(half);
  const std::uint64_t policy = std::uint64_t{slot.policy} * 8;
  if (slot.grants_size > found.grants_bytes.size() ||
      policy + sizeof(KeyLimits) + slot.grants_size > text_size_ || !readId(text, slot, found)) {
    return false;
  }
  copyOut(&found.limits, text + policy, sizeof(KeyLimits));
  copyOut(found.grants_bytes.data(), text + policy + sizeof(KeyLimits), slot.grants_size);
  found.id_size = slot.id_size;
  found.grants_size = slot.grants_size;
  found.scopes = slot.scopes;
  found.expires_unix = slot.expires_unix;
  return true;
}

ExpiryCount KeyTable::countExpiring(std::int64_t now_unix, std::int64_t soon_unix) const {
  ExpiryCount count;
  const std::uint64_t half = generation() & 1;
  FoundKey key;
  for (std::uint64_t i = 0; generation() != 0 && i < slots_; ++i) {
    KeySlot slot;
    copyOut(&slot, slotBytes(half) + i * sizeof(KeySlot), sizeof slot);
    if (!slot.used || slot.expires_unix == 0 || slot.expires_unix > soon_unix) {
      continue;
    }
    if (slot.expires_unix <= now_unix) {
      ++count.expired;
      continue;
    }
    ++count.expiring;
    if (count.first.size() < ExpiryCount::kMaxNamed && readId(textBytes(half), slot, key)) {
      count.first.push_back({{key.id_bytes.data(), slot.id_size}, slot.expires_unix});
    }
  }
  return count;
}

KeyLookup KeyTable::find(const KeyHash& hash, FoundKey& found) const noexcept {
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const std::uint64_t generation = generation_.load(std::memory_order_acquire);
    if (generation == 0) {
      return KeyLookup::NotLoaded;
    }
    const Half& half = halves_[generation & 1];
    const std::uint64_t before = half.sequence.load(std::memory_order_acquire);
    if (before & 1) {
      continue;
    }
    const bool is_found = readHalf(generation & 1, hash, found);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (half.sequence.load(std::memory_order_relaxed) == before) {
      return is_found ? KeyLookup::Found : KeyLookup::Unknown;
    }
  }
  return KeyLookup::NotLoaded;
}

}  // namespace agw
