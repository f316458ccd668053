// The one acceptor: lives on worker 0 and hands each connection to the least busy worker.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "io/listen_socket.h"
#include "io/server_state.h"

namespace agw::io {

class ServerAcceptor : public std::enable_shared_from_this<ServerAcceptor> {
 public:
  explicit ServerAcceptor(std::shared_ptr<ServerState> state);

  void start();
  const std::string& address() const { return listen_.address(); }
  void unlinkPath() { listen_.unlinkPath(); }
  // Takes what is queued, over max_connections too, and closes the listener. Worker 0's thread.
  net::awaitable<void> drainQueue(Deadline deadline);
  // A connection was closed: there may be room for another one.
  void resume() { pause_.cancel(); }

 private:
  enum class Queue { Empty, NoRoom, NoResources };
  enum class Limit { Connections, None };

  static net::awaitable<void> run(std::shared_ptr<ServerAcceptor> self);
  Queue acceptQueued(Limit limit);
  bool full();
  void handOver(UniqueFd fd);
  net::awaitable<void> pause(Deadline deadline);

  std::shared_ptr<ServerState> state_;
  ListenSocket listen_;
  net::posix::stream_descriptor readiness_;  // a duplicate of the listener's descriptor
  net::steady_timer pause_;
  bool stopped_ = false;
};

}  // namespace agw::io
