// All threads that serve requests, together.
#pragma once

#include <memory>
#include <vector>

#include "api/thread_control.h"
#include "worker.h"

namespace agw {

class Threads final : public api::ThreadControl {
 public:
  Threads(api::Service& service, const std::shared_ptr<const api::Configuration>& first,
          unsigned count);

  std::vector<std::unique_ptr<Worker>>& workers() { return workers_; }

  // Before it returns, requests that begin on any thread are served with `next`. Not from one of
  // the threads.
  void use(const std::shared_ptr<const api::Configuration>& next);

  std::size_t count() const override { return workers_.size(); }
  boost::asio::awaitable<void> onEach(const Job& job) override;

 private:
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace agw
