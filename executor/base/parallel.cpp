#include "base/parallel.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <utility>
#include <vector>

namespace agw {
namespace {

namespace net = boost::asio;

// One of `limit` workers: takes the next job until none is left.
net::awaitable<void> work(std::size_t& next, std::size_t count,
                          const std::function<net::awaitable<void>(std::size_t)>& job) {
  while (next < count) {
    const std::size_t mine = next++;
    co_await job(mine);
  }
}

}  // namespace

net::awaitable<void> forEachParallel(std::size_t count, std::size_t limit,
                                     const std::function<net::awaitable<void>(std::size_t)>& job) {
  const std::size_t workers = std::min(count, std::max<std::size_t>(limit, 1));
  std::size_t next = 0;
  if (workers <= 1) {
    co_await work(next, count, job);
    co_return;
  }
  const auto executor = co_await net::this_coro::executor;
  using Operation = decltype(net::co_spawn(executor, work(next, count, job), net::deferred));
  std::vector<Operation> operations;
  operations.reserve(workers);
  for (std::size_t i = 0; i < workers; ++i) {
    operations.push_back(net::co_spawn(executor, work(next, count, job), net::deferred));
  }
  auto group = net::experimental::make_parallel_group(std::move(operations));
  auto [order, failures] =
      co_await group.async_wait(net::experimental::wait_for_all(), net::use_awaitable);
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

}  // namespace agw
