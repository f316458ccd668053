// One thread of the executor: its io_context, its pipeline, and the parts that it has built from
// the configuration in use.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <future>
#include <memory>
#include <thread>

#include "api/pipeline.h"
#include "api/snapshot.h"
#include "base/deadline.h"
#include "io/http_client.h"

namespace agw {

class Worker {
 public:
  // On the main thread, before start(). `service` outlives it.
  Worker(api::Service& service, std::shared_ptr<const api::Configuration> first);
  ~Worker();  // after join(), or never started

  boost::asio::io_context& context() { return context_; }
  api::Pipeline& pipeline() { return pipeline_; }

  void start();

  // From any thread: requests that begin from now on are served with `next`; those that have begun
  // keep theirs. The future is ready when that is so.
  std::future<void> use(std::shared_ptr<const api::Configuration> next);

  // `job` with this thread's parts, on the thread itself.
  boost::asio::awaitable<void> run(const api::ThreadControl::Job& job, std::size_t number);

  // After the server's drain. Ends what outlives requests, on the thread itself; then its context
  // runs out of work.
  void finish();
  bool endedBy(Deadline deadline);
  void join() { thread_.join(); }

 private:
  class Retired;

  void build(std::shared_ptr<const api::Configuration> configuration);
  // The last request that used them has ended: MCP sessions that nobody shares are closed.
  void retire(std::unique_ptr<const api::ThreadParts> parts);
  boost::asio::awaitable<void> close(std::unique_ptr<const api::ThreadParts> parts);
  void leaveWhenDone();

  api::Service& service_;
  telemetry::MetricsShard& metrics_;
  boost::asio::io_context context_{1};
  std::unique_ptr<io::HttpClient> client_;
  api::CurrentParts current_;
  api::Pipeline pipeline_;
  int generations_ = 0;  // in use, or being closed
  bool is_finishing_ = false;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::promise<void> promise_;
  std::future<void> ended_;
  std::thread thread_;
};

}  // namespace agw
