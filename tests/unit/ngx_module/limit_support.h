// Stores of limits for tests: in memory of their own, or in memory that processes share.
#pragma once

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <new>
#include <span>

#include "key_support.h"
#include "ngx_module/limit_store.h"

namespace agw::test {

constexpr Nanoseconds kSecond = 1'000'000'000;
constexpr Nanoseconds kStart = 1'000'000 * kSecond;

// Somebody who is limited.
inline LimitIdentity party(std::uint64_t n) { return {.words = {n * 0x9E3779B97F4A7C15ULL, n}}; }

inline LimitClaim claimOf(std::uint64_t n, LimitPer per = LimitPer::Key) {
  LimitClaim claim;
  claim.who = party(n);
  claim.per = per;
  return claim;
}
inline LimitClaim withRequests(LimitClaim claim, const RateLimit& limit) {
  claim.requests = limit;
  return claim;
}
inline LimitClaim withTokens(LimitClaim claim, const RateLimit& limit) {
  claim.tokens = limit;
  return claim;
}
inline LimitClaim withStreams(LimitClaim claim, std::uint32_t streams) {
  claim.streams = streams;
  return claim;
}
inline LimitClaim inDryRun(LimitClaim claim) {
  claim.dry_run = true;
  return claim;
}

// For one process with one thread.
class OwnStore {
 public:
  explicit OwnStore(LimitStore::Size size = LimitStore::kSmallest)
      : memory_(alignedMemory(LimitStore::bytesFor(size))),
        store_(LimitStore::create(memory_.get(), size)) {}
  LimitStore* operator->() const { return store_; }

 private:
  AlignedMemory memory_;
  LimitStore* store_;
};

// A store, and the lock for it, for this process and those that it forks. The lock's word is the
// process that holds it, so that the parent can take it from one that was killed.
class SharedStore {
 public:
  explicit SharedStore(LimitStore::Size size = LimitStore::kSmallest)
      : size_(sizeof(Head) + LimitStore::bytesFor(size)) {
    void* memory =
        ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    head_ = new (memory) Head();
    store_ = LimitStore::create(head_ + 1, size);
  }
  ~SharedStore() { ::munmap(head_, size_); }
  SharedStore(const SharedStore&) = delete;
  SharedStore& operator=(const SharedStore&) = delete;

  LimitStore& store() const { return *store_; }
  LimitLock lock() const { return {.data = head_, .lock = take, .unlock = release}; }
  // What nginx's master does when a worker is gone. True: it held the lock.
  bool takeFrom(pid_t gone) const {
    auto holder = static_cast<std::uint32_t>(gone);
    return head_->holder.compare_exchange_strong(holder, 0);
  }
  // The process that holds the lock now; 0: none.
  pid_t holder() const { return static_cast<pid_t>(head_->holder.load()); }
  // Adds to a number that all processes see.
  void count(std::uint64_t amount) const { head_->counted += amount; }
  std::uint64_t counted() const { return head_->counted; }
  // Lets all that wait for it go at once.
  void start() const { head_->is_started = true; }
  void waitForStart() const {
    while (!head_->is_started) ::sched_yield();
  }

 private:
  struct alignas(64) Head {
    std::atomic<std::uint32_t> holder{0};
    std::atomic<bool> is_started{false};
    std::atomic<std::uint64_t> counted{0};
  };
  static void take(void* data) noexcept {
    const auto own = static_cast<std::uint32_t>(::getpid());
    auto& holder = static_cast<Head*>(data)->holder;
    for (std::uint32_t nobody = 0; !holder.compare_exchange_weak(nobody, own); nobody = 0) {
      ::sched_yield();
    }
  }
  static void release(void* data) noexcept { static_cast<Head*>(data)->holder = 0; }

  std::size_t size_;
  Head* head_;
  LimitStore* store_;
};

}  // namespace agw::test
