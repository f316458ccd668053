#include "worker.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>

#include "tool/tool_set.h"
#include "upstream/registry.h"

namespace agw {

namespace net = boost::asio;

Worker::Worker(api::Service& service, std::shared_ptr<const api::Configuration> first)
    : service_(service),
      metrics_(service.metrics.addShard()),
      client_(io::makeHttpClient(context_, {.names = service.upstreams.names()})),
      pipeline_(service, current_),
      work_(net::make_work_guard(context_)),
      ended_(promise_.get_future()) {
  build(std::move(first));
}

Worker::~Worker() {
  if (generations_ == 0) return;
  finish();
  context_.run();
}

void Worker::start() {
  thread_ = std::thread([this] {
    context_.run();
    promise_.set_value();
  });
}

std::future<void> Worker::use(std::shared_ptr<const api::Configuration> next) {
  auto done = std::make_shared<std::promise<void>>();
  auto future = done->get_future();
  net::post(context_, [this, next = std::move(next), done]() mutable {
    if (!is_finishing_) build(std::move(next));
    done->set_value();
  });
  return future;
}

net::awaitable<void> Worker::run(const api::ThreadControl::Job& job, std::size_t number) {
  const std::shared_ptr<const api::ThreadParts> parts = current_.parts;
  if (parts) co_await job(*parts, number);
}

void Worker::build(std::shared_ptr<const api::Configuration> configuration) {
  const api::ThreadParts* const previous = current_.parts.get();
  auto parts = std::make_unique<api::ThreadParts>(api::ThreadParts{
      service_, configuration,
      std::make_shared<const upstream::Registry>(
          context_, *configuration->settings,
          upstream::Surroundings{service_.upstreams, metrics_, service_.log},
          previous != nullptr ? previous->upstreams.get() : nullptr),
      std::make_shared<tool::ToolSet>(context_, *client_, *configuration->settings, service_.log,
                                      previous != nullptr ? previous->tools.get() : nullptr),
      metrics_});
  ++generations_;
  current_.parts = std::shared_ptr<const api::ThreadParts>(
      parts.release(), [this](const api::ThreadParts* last) {
        retire(std::unique_ptr<const api::ThreadParts>(last));
      });
}

void Worker::retire(std::unique_ptr<const api::ThreadParts> parts) {
  net::co_spawn(context_, close(std::move(parts)), [this](std::exception_ptr) {
    --generations_;
    leaveWhenDone();
  });
}

net::awaitable<void> Worker::close(std::unique_ptr<const api::ThreadParts> parts) {
  co_await parts->tools->close();
}

void Worker::leaveWhenDone() {
  if (!is_finishing_ || generations_ != 0) return;
  client_.reset();
  work_.reset();
}

void Worker::finish() {
  net::post(context_, [this] {
    is_finishing_ = true;
    current_.parts.reset();
    leaveWhenDone();
  });
}

bool Worker::endedBy(Deadline deadline) {
  return ended_.wait_until(deadline.at) == std::future_status::ready;
}

}  // namespace agw
