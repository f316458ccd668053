// What the admin endpoints may ask of all threads; app.cpp has the implementation.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <functional>

namespace agw::api {

struct ThreadParts;

class ThreadControl {
 public:
  virtual ~ThreadControl() = default;
  virtual std::size_t count() const = 0;
  // On one thread, with its parts as they are now. `thread` is 0 … count() - 1.
  using Job = std::function<boost::asio::awaitable<void>(const ThreadParts&, std::size_t thread)>;
  // Runs `job` on every thread, side by side, and waits for all; resumes on the caller's executor.
  // Not cancellable: a job has its own deadline. `job` outlives the call.
  virtual boost::asio::awaitable<void> onEach(const Job& job) = 0;
};

}  // namespace agw::api
