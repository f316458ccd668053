// The thread for what no request may wait for: reloads and looks at upstreams.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <thread>

namespace agw {

class Background {
 public:
  Background();
  ~Background();  // as stop() with nothing to end

  boost::asio::io_context& context() { return context_; }
  void start();
  // Runs `end` on the thread, which ends what runs there, and waits until nothing is left.
  void stop(std::function<void()> end);

 private:
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::thread thread_;
};

}  // namespace agw
