// What a process that was killed inside a section left behind: everything but the truth is made
// anew.
#include <atomic>

#include "ngx_module/limit_store.h"

namespace agw {

void LimitStore::rebuildNodes() noexcept {
  std::fill_n(buckets(), bucket_count_, kNoIndex);
  use_.fill({.newest = kNoIndex, .oldest = kNoIndex, .count = 0});
  free_node_ = kNoIndex;
  for (std::uint32_t i = size_.nodes; i-- > 0;) {
    Node& node = nodes()[i];
    node.slots = 0;
    node.reserved = 0;
    node.pins = 0;
    if (node.used == 0) {
      node.chain = free_node_;
      free_node_ = i;
      continue;
    }
    node.chain = bucketOf(node.who);
    bucketOf(node.who) = i;
    linkNewest(i);
  }
}

void LimitStore::rebuild() noexcept {
  rebuildNodes();
  free_entry_ = kNoIndex;
  entries_used_ = 0;
  slots_ = 0;
  reserved_ = 0;
  for (std::uint32_t i = size_.entries; i-- > 0;) {
    Entry& entry = entries()[i];
    if (entry.owner == 0) {
      entry.next_free = free_entry_;
      free_entry_ = i;
      continue;
    }
    ++entries_used_;
    for (std::size_t place = 0; place < kMaxClaims; ++place) {
      if (entry.nodes[place] == kNoIndex) {
        continue;
      }
      Node& node = nodes()[entry.nodes[place]];
      ++node.pins;
      node.reserved += entry.reserved[place];
      reserved_ += entry.reserved[place];
      if ((entry.slots & (1U << place)) != 0) {
        ++node.slots;
        ++slots_;
      }
    }
  }
  ++rebuilds_;
}

bool LimitStore::isSound() const noexcept {
  std::uint64_t slots = 0;
  std::uint64_t reserved = 0;
  std::uint64_t pins = 0;
  std::uint32_t used = 0;
  for (std::uint32_t i = 0; i < size_.nodes; ++i) {
    const Node& node = nodes()[i];
    if (node.used == 0) {
      continue;
    }
    ++used;
    slots += node.slots;
    reserved += node.reserved;
    pins += node.pins;
    if (find(node.who) != i) {
      return false;
    }
  }
  std::uint64_t entry_slots = 0;
  std::uint64_t entry_reserved = 0;
  std::uint64_t entry_pins = 0;
  std::uint32_t open = 0;
  for (std::uint32_t i = 0; i < size_.entries; ++i) {
    const Entry& entry = entries()[i];
    if (entry.owner == 0) {
      continue;
    }
    ++open;
    for (std::size_t place = 0; place < kMaxClaims; ++place) {
      entry_pins += entry.nodes[place] != kNoIndex ? 1 : 0;
      entry_reserved += entry.reserved[place];
      entry_slots += (entry.slots >> place) & 1U;
    }
  }
  std::uint32_t listed = 0;
  for (const UseList& list : use_) {
    std::uint32_t length = 0;
    for (std::uint32_t i = list.newest; i != kNoIndex && length <= size_.nodes;
         i = nodes()[i].older) {
      ++length;
    }
    if (length != list.count) {
      return false;
    }
    listed += length;
  }
  return used == listed && open == entries_used_ && slots == slots_ && reserved == reserved_ &&
         entry_slots == slots && entry_reserved == reserved && entry_pins == pins;
}

LimitSection::LimitSection(LimitStore& store, const LimitLock& lock, std::uint32_t process) noexcept
    : store_(store), lock_(lock) {
  lock_.lock(lock_.data);
  if (store_.busy_ != 0) {
    store_.rebuild();
  }
  store_.busy_ = process;
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

LimitSection::~LimitSection() {
  std::atomic_signal_fence(std::memory_order_seq_cst);
  store_.busy_ = 0;
  lock_.unlock(lock_.data);
}

}  // namespace agw
