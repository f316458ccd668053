// Mutual exclusion between coroutines of one thread, held across co_await. Not thread-safe.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace agw {

class AsyncMutex {
 public:
  class Guard {
   public:
    explicit Guard(AsyncMutex* mutex) : mutex_(mutex) {}
    Guard(Guard&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
    Guard& operator=(Guard&&) = delete;
    ~Guard() {
      if (mutex_ != nullptr) mutex_->unlock();
    }

   private:
    AsyncMutex* mutex_;
  };

  explicit AsyncMutex(const boost::asio::any_io_executor& executor)
      : waiters_(executor, boost::asio::steady_timer::time_point::max()) {}

  // The mutex must outlive every waiter. Waiters are woken in the order in which they came.
  boost::asio::awaitable<Guard> lock() {
    while (locked_) {
      co_await waiters_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    locked_ = true;
    co_return Guard(this);
  }
  bool isLocked() const { return locked_; }

 private:
  void unlock() {
    locked_ = false;
    waiters_.cancel_one();
  }

  boost::asio::steady_timer waiters_;
  bool locked_ = false;
};

}  // namespace agw
