#include "threads.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <future>

#include "base/parallel.h"

namespace agw {

namespace net = boost::asio;

Threads::Threads(api::Service& service, const std::shared_ptr<const api::Configuration>& first,
                 unsigned count) {
  for (unsigned i = 0; i < count; ++i) workers_.push_back(std::make_unique<Worker>(service, first));
}

void Threads::use(const std::shared_ptr<const api::Configuration>& next) {
  std::vector<std::future<void>> done;
  for (auto& worker : workers_) done.push_back(worker->use(next));
  for (auto& one : done) one.wait();
}

net::awaitable<void> Threads::onEach(const Job& job) {
  const std::function<net::awaitable<void>(std::size_t)> on_one = [this, &job](std::size_t thread) {
    return net::co_spawn(workers_[thread]->context(), workers_[thread]->run(job, thread),
                         net::bind_cancellation_slot(net::cancellation_slot(), net::use_awaitable));
  };
  co_await forEachParallel(workers_.size(), workers_.size(), on_one);
}

}  // namespace agw
