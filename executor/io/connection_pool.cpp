#include "io/connection_pool.h"

#include <algorithm>

namespace agw::io {

ConnectionPool::ConnectionPool(net::io_context& context, const HttpClientOptions& options)
    : max_per_peer_(options.max_idle_per_host),
      idle_timeout_(options.idle_timeout),
      timer_(context.get_executor(), [this] { sweep(); }) {}

std::unique_ptr<ClientConnection> ConnectionPool::take(const std::string& peer) {
  const auto found = idle_.find(peer);
  if (found == idle_.end()) return nullptr;
  std::unique_ptr<ClientConnection> taken;
  while (!taken && !found->second.empty()) {
    Idle newest = std::move(found->second.back());
    found->second.pop_back();
    if (!newest.until.expired() && newest.connection->isQuiet())
      taken = std::move(newest.connection);
  }
  if (found->second.empty()) idle_.erase(found);
  return taken;
}

void ConnectionPool::give(std::unique_ptr<ClientConnection> connection) {
  if (max_per_peer_ == 0) return;
  connection->rest();
  if (idle_.empty()) timer_.expireIn(idle_timeout_);
  auto& same_peer = idle_[connection->peer()];
  if (same_peer.size() >= max_per_peer_) same_peer.erase(same_peer.begin());
  same_peer.push_back({std::move(connection), Deadline::in(idle_timeout_)});
}

std::size_t ConnectionPool::size() const {
  std::size_t sum = 0;
  for (const auto& [peer, connections] : idle_) sum += connections.size();
  return sum;
}

void ConnectionPool::sweep() {
  Deadline next;
  const auto now = Clock::now();
  for (auto peer = idle_.begin(); peer != idle_.end();) {
    std::vector<Idle>& connections = peer->second;
    std::erase_if(connections, [now](const Idle& idle) { return idle.until.expired(now); });
    if (!connections.empty()) next = earlier(next, connections.front().until);
    peer = connections.empty() ? idle_.erase(peer) : std::next(peer);
  }
  if (next.isSet()) timer_.expireAt(next);
}

}  // namespace agw::io
