#include "io/wait_list.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace agw::io {
namespace {

constexpr auto kAsTuple = net::as_tuple(net::use_awaitable);

}  // namespace

net::awaitable<bool> WaitList::wait(Deadline deadline) {
  struct Place {  // leaves the list also when the coroutine is destroyed
    std::list<Waiter>& list;
    std::list<Waiter>::iterator at;
    ~Place() { list.erase(at); }
  };
  waiters_.push_back(Waiter{net::steady_timer(context_, deadline.at)});
  const Place place{waiters_, std::prev(waiters_.end())};
  co_await place.at->timer.async_wait(kAsTuple);
  co_return place.at->woken;
}

void WaitList::wakeAll() {
  for (Waiter& waiter : waiters_) {
    waiter.woken = true;
    waiter.timer.cancel();
  }
}

}  // namespace agw::io
