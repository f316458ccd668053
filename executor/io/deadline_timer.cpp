#include "io/deadline_timer.h"

#include <boost/asio/steady_timer.hpp>

namespace agw::io {

// Kept alive by the pending wait, so that a handler which is already queued finds it after
// ~DeadlineTimer.
struct DeadlineTimer::State {
  State(const boost::asio::any_io_executor& executor, std::function<void()> callback)
      : timer(executor), on_expire(std::move(callback)) {}

  boost::asio::steady_timer timer;
  std::function<void()> on_expire;  // empty once the owner is gone
  Deadline deadline;
  Deadline armed;
  bool expired = false;
};

DeadlineTimer::DeadlineTimer(boost::asio::any_io_executor executor, std::function<void()> on_expire)
    : state_(std::make_shared<State>(std::move(executor), std::move(on_expire))) {}

DeadlineTimer::~DeadlineTimer() {
  state_->on_expire = nullptr;
  state_->timer.cancel();
}

void DeadlineTimer::expireAt(Deadline deadline) {
  state_->expired = false;
  state_->deadline = deadline;
  if (deadline.at < state_->armed.at) arm(state_);
}

bool DeadlineTimer::expired() const { return state_->expired; }

void DeadlineTimer::arm(const std::shared_ptr<State>& state) {
  state->armed = state->deadline;
  state->timer.expires_at(state->armed.at);
  state->timer.async_wait([state](const boost::system::error_code& error) {
    if (error || !state->on_expire) return;
    state->armed = Deadline::never();
    if (!state->deadline.isSet()) return;
    if (!state->deadline.expired()) {
      arm(state);
      return;
    }
    state->deadline = Deadline::never();
    state->expired = true;
    const auto on_expire =
        state->on_expire;  // the call may destroy the owner and with it the member
    on_expire();
  });
}

}  // namespace agw::io
