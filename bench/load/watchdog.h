// Deadlines of many connections: one timer looks at all of them ten times a second, which is far
// cheaper than a timer set anew at every read.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <boost/asio/steady_timer.hpp>

namespace agent_load {

class Connection;

class Watchdog {
 public:
  explicit Watchdog(boost::asio::io_context& io) : timer_(io) { arm(); }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  void add(const std::shared_ptr<Connection>& connection);
  void remove(Connection& connection);

 private:
  void arm();
  void sweep();

  boost::asio::steady_timer timer_;
  std::vector<std::shared_ptr<Connection>> connections_;  // each knows its place
};

}  // namespace agent_load
