// One timer for all the deadlines that a connection goes through.
//
// Setting a deadline is a store in the usual case: the timer below is armed again only for an
// earlier deadline or when it fires before the current one. A busy connection thus touches the
// timer queue every few seconds instead of at every read and write. Used on the executor's thread
// only.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

#include "base/deadline.h"

namespace agw::io {

class DeadlineTimer {
 public:
  // `on_expire` may use the owner of this timer freely: it is never called once the timer is
  // destroyed.
  DeadlineTimer(boost::asio::any_io_executor executor, std::function<void()> on_expire);
  ~DeadlineTimer();
  DeadlineTimer(const DeadlineTimer&) = delete;
  DeadlineTimer& operator=(const DeadlineTimer&) = delete;

  void expireAt(Deadline deadline);
  void expireIn(Millis span) { expireAt(Deadline::in(span)); }
  void clear() { expireAt(Deadline::never()); }
  // The last deadline set has passed and on_expire has been called.
  bool expired() const;

 private:
  struct State;
  static void arm(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;
};

}  // namespace agw::io
