#include "bench/load/watchdog.h"

#include <chrono>
#include <utility>

#include "bench/load/connection.h"

namespace agent_load {
namespace {

constexpr std::chrono::milliseconds kInterval{100};

}  // namespace

void Watchdog::add(const std::shared_ptr<Connection>& connection) {
  connection->watch_place_ = connections_.size();
  connections_.push_back(connection);
}

void Watchdog::remove(Connection& connection) {
  const std::size_t place = connection.watch_place_;
  std::swap(connections_[place], connections_.back());
  connections_[place]->watch_place_ = place;
  connections_.pop_back();
}

void Watchdog::arm() {
  timer_.expires_after(kInterval);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    sweep();
    arm();
  });
}

void Watchdog::sweep() {
  const auto now = std::chrono::steady_clock::now();
  std::vector<std::shared_ptr<Connection>> late;  // a time-out removes its connection from the list
  for (const auto& connection : connections_) {
    if (connection->deadline_ < now) late.push_back(connection);
  }
  for (const auto& connection : late) connection->onDeadline();
}

}  // namespace agent_load
