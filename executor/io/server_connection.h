// One connection of the server: requests one after the other, each under a watch for the peer's
// leaving. Lives on its worker's thread; its coroutine owns it.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <exception>
#include <memory>

#include "io/deadline_timer.h"
#include "io/message_parser.h"
#include "io/server_state.h"
#include "io/unique_fd.h"

namespace agw::io {

class ServerResponse;

class ServerConnection : public std::enable_shared_from_this<ServerConnection> {
 public:
  struct Refusal {
    int status;
    std::string_view message;
  };

  // On the worker's thread. `worker.connections` has been raised for this connection; its end
  // lowers it.
  static void start(std::shared_ptr<ServerState> state, WorkerState& worker, UniqueFd fd);

  ServerConnection(std::shared_ptr<ServerState> state, WorkerState& worker, UniqueFd fd);
  ~ServerConnection();

  // The end of a drain: an idle connection is closed, a running handler is cancelled as if the peer
  // had left.
  void abort();

 private:
  friend class ServerResponse;
  using Socket = net::generic::stream_protocol::socket;
  enum class Fill { Data, Closed, TimedOut };
  enum class Next { Request, Close, Linger };

  static net::awaitable<void> run(std::shared_ptr<ServerConnection> self);
  void ended(std::exception_ptr failure) const;
  net::awaitable<Next> serveOne();
  // Fills `parser` with a whole request, or answers what is wrong with it.
  net::awaitable<Next> readRequest(RequestParser& parser);
  net::awaitable<Fill> fill(std::size_t most);
  net::awaitable<bool> sendContinue();
  net::awaitable<Next> handle(ServerRequest& request, ServerResponse& response);
  net::awaitable<void> refuse(Refusal refusal);
  net::awaitable<void> linger();
  void startWatch();
  void peerLeft();

  std::shared_ptr<ServerState> state_;
  WorkerState& worker_;
  Socket socket_;
  boost::beast::flat_buffer buffer_;
  DeadlineTimer timer_;
  net::cancellation_signal cancel_;  // of the connection's coroutine
  net::cancellation_signal watch_;   // of the watch alone
  unsigned served_ = 0;
  char peeked_ = 0;
  bool handling_ = false;
  bool peer_left_ = false;
};

}  // namespace agw::io
