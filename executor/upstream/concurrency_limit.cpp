#include "upstream/concurrency_limit.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace agw::upstream {

struct ConcurrencyLimit::Waiter {
  explicit Waiter(const net::any_io_executor& executor) : timer(executor) {}

  net::steady_timer timer;  // touched on its executor alone
  bool has_slot = false;    // under the limit's lock
};

// A place in the queue. Whoever leaves it with a slot that he did not take hands that on, also when
// it is his coroutine's frame that goes.
class ConcurrencyLimit::Place {
 public:
  Place(ConcurrencyLimit& limit, const net::any_io_executor& executor)
      : limit_(limit), waiter_(std::make_shared<Waiter>(executor)) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { const std::optional<Slot> not_taken = leave(); }

  // False: nobody may wait any more. A slot that is free by now is given at once.
  bool enter() {
    const std::lock_guard lock(limit_.mutex_);
    if (limit_.in_flight_ < limit_.most_) {
      ++limit_.in_flight_;
      waiter_->has_slot = true;
      return true;
    }
    if (limit_.queue_.size() >= limit_.max_queue_) return false;
    place_ = limit_.queue_.insert(limit_.queue_.end(), waiter_);
    return true;
  }

  net::awaitable<void> wait(Deadline deadline) {
    {
      const std::lock_guard lock(limit_.mutex_);
      if (waiter_->has_slot) co_return;
    }
    // A slot that is given from here on cancels the timer by a post, so not before it waits.
    waiter_->timer.expires_at(deadline.at);
    co_await waiter_->timer.async_wait(net::as_tuple(net::use_awaitable));
  }

  std::optional<Slot> leave() {
    const std::lock_guard lock(limit_.mutex_);
    if (waiter_->has_slot) {
      waiter_->has_slot = false;
      place_.reset();
      return Slot(&limit_);
    }
    if (place_) limit_.queue_.erase(*place_);
    place_.reset();
    return std::nullopt;
  }

 private:
  ConcurrencyLimit& limit_;
  const std::shared_ptr<Waiter> waiter_;
  std::optional<std::list<std::shared_ptr<Waiter>>::iterator> place_;  // good while it has no slot
};

net::awaitable<std::optional<ConcurrencyLimit::Slot>> ConcurrencyLimit::take(Deadline deadline) {
  if (takeAtOnce()) co_return Slot(this);
  const net::any_io_executor executor = co_await net::this_coro::executor;
  Place place(*this, executor);
  if (!place.enter()) co_return std::nullopt;
  co_await place.wait(deadline);
  co_return place.leave();
}

bool ConcurrencyLimit::takeAtOnce() {
  const std::lock_guard lock(mutex_);
  if (most_ != 0 && in_flight_ >= most_) return false;
  ++in_flight_;
  return true;
}

// The slot goes over to the first who waits, so that nobody who comes now is quicker.
void ConcurrencyLimit::giveBack() {
  const std::lock_guard lock(mutex_);
  if (queue_.empty()) {
    --in_flight_;
    return;
  }
  const std::shared_ptr<Waiter> first = std::move(queue_.front());
  queue_.pop_front();
  first->has_slot = true;
  // Under the lock: while the waiter has not left, its executor is there.
  net::post(first->timer.get_executor(), [first] { first->timer.cancel(); });
}

bool ConcurrencyLimit::isFull() const {
  const std::lock_guard lock(mutex_);
  return most_ != 0 && in_flight_ >= most_;
}

ConcurrencyLimit::Load ConcurrencyLimit::load() const {
  const std::lock_guard lock(mutex_);
  return {in_flight_, queue_.size()};
}

}  // namespace agw::upstream
