#include "ngx_module/edge_memory.h"

#include <algorithm>
#include <new>

namespace agw {
namespace {

// Changes with the layout: by hand for what sizes do not show.
constexpr std::uint64_t kLayoutVersion = 1;
constexpr std::uint64_t kMagic = 0x6167770000000000ULL ^ (kLayoutVersion << 32) ^
                                 (sizeof(EdgeMemory) << 16) ^ (sizeof(KeyTable) << 8) ^
                                 sizeof(LimitStore) ^ (sizeof(KeySlot) << 24);

constexpr std::size_t kAlignment = 64;

constexpr std::size_t alignUp(std::size_t size) {
  return (size + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

std::size_t EdgeMemory::smallestFor(std::uint64_t capacity) noexcept {
  return alignUp(sizeof(EdgeMemory)) +
         alignUp(KeyTable::bytesFor(capacity, KeyTable::smallestText(capacity))) +
         LimitStore::bytesFor(LimitStore::kSmallest) + 2 * kAlignment;
}

std::uint64_t EdgeMemory::textFor(std::size_t bytes, std::uint64_t capacity) noexcept {
  // What is left goes to ids and rules, at most half of it and no more than they can use, and to
  // limits.
  const std::size_t left = bytes - smallestFor(capacity);
  return KeyTable::smallestText(capacity) +
         std::min<std::uint64_t>(left / 4, capacity * KeyTable::kLargestTextPerKey) / 8 * 8;
}

EdgeMemory* EdgeMemory::create(void* memory, std::size_t bytes, std::uint64_t capacity,
                               const void* module, const LimitSecret& limit_secret) noexcept {
  auto* shared = new (memory) EdgeMemory();
  const std::uint64_t text = textFor(bytes, capacity);
  shared->capacity_ = capacity;
  shared->keys_at_ = alignUp(sizeof(EdgeMemory));
  shared->limits_at_ = shared->keys_at_ + alignUp(KeyTable::bytesFor(capacity, text));
  shared->module_ = reinterpret_cast<std::uintptr_t>(module);
  shared->limit_secret_ = limit_secret;
  char* base = static_cast<char*>(memory);
  KeyTable::create(base + shared->keys_at_, capacity, text);
  LimitStore::create(base + shared->limits_at_, LimitStore::fit(bytes - shared->limits_at_));
  shared->magic_ = kMagic;
  return shared;
}

bool EdgeMemory::isUsable(const void* memory) noexcept {
  return memory != nullptr && static_cast<const EdgeMemory*>(memory)->magic_ == kMagic;
}

KeyTable& EdgeMemory::keys() noexcept {
  return *reinterpret_cast<KeyTable*>(reinterpret_cast<char*>(this) + keys_at_);
}

LimitStore& EdgeMemory::limits() noexcept {
  return *reinterpret_cast<LimitStore*>(reinterpret_cast<char*>(this) + limits_at_);
}

bool EdgeMemory::noteModule(const void* module) noexcept {
  const auto now = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(module));
  const bool is_other = module_ != now;
  module_ = now;
  return is_other;
}

}  // namespace agw
