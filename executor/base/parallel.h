// Runs independent coroutines of one thread side by side.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <functional>

namespace agw {

// Calls job(0) … job(count - 1), at most `limit` of them at a time, and waits for all. Cancelling
// the caller cancels every job that runs and starts no further one. An exception of a job is thrown
// again after all have ended. `job` outlives the call.
boost::asio::awaitable<void> forEachParallel(
    std::size_t count, std::size_t limit,
    const std::function<boost::asio::awaitable<void>(std::size_t)>& job);

}  // namespace agw
