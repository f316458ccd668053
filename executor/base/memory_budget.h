// A bound on memory that many hold at once. Bytes are counted before they are allocated, so that
// what would not fit is refused while there is still room to say so.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace agw {

// For all threads.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::size_t limit) : limit_(limit) {}

  std::size_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  friend class MemoryShare;

  bool take(std::size_t bytes) {
    if (used_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= limit_) return true;
    give(bytes);
    return false;
  }
  void give(std::size_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }

  const std::size_t limit_;
  std::atomic<std::size_t> used_{0};
};

// What one holder has of a budget; given back at its end. Of one thread at a time. One without a
// budget has no bound.
class MemoryShare {
 public:
  MemoryShare() = default;
  explicit MemoryShare(std::shared_ptr<MemoryBudget> budget) : budget_(std::move(budget)) {}
  MemoryShare(MemoryShare&& other) noexcept
      : budget_(std::move(other.budget_)), bytes_(std::exchange(other.bytes_, 0)) {}
  MemoryShare& operator=(MemoryShare&& other) noexcept {
    release();
    budget_ = std::move(other.budget_);
    bytes_ = std::exchange(other.bytes_, 0);
    return *this;
  }
  ~MemoryShare() { release(); }

  // Up to `bytes` in all. False: there is no room, and nothing has changed.
  bool growTo(std::size_t bytes) {
    if (!budget_ || bytes <= bytes_) return true;
    if (!budget_->take(bytes - bytes_)) return false;
    bytes_ = bytes;
    return true;
  }
  void release() {
    if (budget_) budget_->give(std::exchange(bytes_, 0));
  }

 private:
  std::shared_ptr<MemoryBudget> budget_;
  std::size_t bytes_ = 0;
};

}  // namespace agw
