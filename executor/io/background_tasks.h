// Coroutines that outlive the call which started them, each with a time limit. Lives on one
// io_context.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "base/deadline.h"

namespace agw::io {

namespace net = boost::asio;

class BackgroundTasks {
 public:
  // `on_failure` hears of exceptions other than a cancellation; it lives as long as the tasks do.
  using FailureSink = std::function<void(std::string_view what)>;

  BackgroundTasks(net::io_context& context, FailureSink on_failure);
  // Tasks that still run go on to their limit. Does not cancel them: a frame may be what destroys
  // this object while the io_context itself goes away, and then there is nothing left to cancel
  // with. Owners call cancelAll.
  ~BackgroundTasks();
  BackgroundTasks(const BackgroundTasks&) = delete;
  BackgroundTasks& operator=(const BackgroundTasks&) = delete;

  // Starts `task` from the io_context, never inside this call; it is cancelled after `limit`.
  void start(net::awaitable<void> task, Millis limit);
  std::size_t running() const;
  void cancelAll();
  // Returns when no task is left, or at the deadline.
  net::awaitable<void> wait(Deadline deadline);

 private:
  struct Core;
  std::shared_ptr<Core> core_;  // shared with the completion handlers of the tasks
};

}  // namespace agw::io
