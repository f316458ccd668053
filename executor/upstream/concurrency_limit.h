// How many calls of an upstream run at a time, in the whole process, and how many wait for that.
// Used from any thread: a waiter is woken on its own executor.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/deadline.h"

namespace agw::upstream {

namespace net = boost::asio;

// Outlives its slots and waiters.
class ConcurrencyLimit {
 public:
  // Gives its place back when it is destroyed, to the one who has waited longest.
  class Slot {
   public:
    explicit Slot(ConcurrencyLimit* limit) : limit_(limit) {}
    Slot(Slot&& other) noexcept : limit_(std::exchange(other.limit_, nullptr)) {}
    Slot& operator=(Slot&& other) noexcept {
      std::swap(limit_, other.limit_);
      return *this;
    }
    ~Slot() {
      if (limit_ != nullptr) limit_->giveBack();
    }

   private:
    ConcurrencyLimit* limit_;
  };

  struct Load {
    std::size_t in_flight = 0;
    std::size_t queued = 0;
  };

  // `most` 0: any number.
  ConcurrencyLimit(std::size_t most, std::size_t max_queue) : most_(most), max_queue_(max_queue) {}

  // nullopt: the queue is full, the deadline has come, or the caller was cancelled.
  net::awaitable<std::optional<Slot>> take(Deadline deadline);

  bool isFull() const;  // who came now would wait
  Load load() const;

 private:
  struct Waiter;
  class Place;

  bool takeAtOnce();
  void giveBack();

  const std::size_t most_;
  const std::size_t max_queue_;
  mutable std::mutex mutex_;
  std::size_t in_flight_ = 0;
  std::list<std::shared_ptr<Waiter>> queue_;
};

}  // namespace agw::upstream
