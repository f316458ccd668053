// Coroutines of one io_context that wait for an event.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>

#include "base/deadline.h"

namespace agw::io {

namespace net = boost::asio;

class WaitList {
 public:
  explicit WaitList(net::io_context& context) : context_(context) {}
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;

  // True when wakeAll was called, false when the deadline came first or the waiter was cancelled.
  // The list outlives its waiters.
  net::awaitable<bool> wait(Deadline deadline);
  void wakeAll();

 private:
  struct Waiter {
    net::steady_timer timer;
    bool woken = false;
  };
  net::io_context& context_;
  std::list<Waiter> waiters_;
};

}  // namespace agw::io
