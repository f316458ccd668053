// HTTP/1.1 server for the edge: one listening socket (unix or TCP), one io_context and one handler
// a thread.
//
// One acceptor hands each connection to the thread with the fewest open requests, then the fewest
// connections. While a handler runs, the connection is watched: when the peer closes it, the
// handler's coroutine is cancelled (terminal cancellation), which closes everything it awaits.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "base/error.h"
#include "base/memory_budget.h"
#include "io/http_message.h"
#include "telemetry/log.h"

namespace agw::io {

namespace net = boost::asio;

struct ServerRequest {
  std::string method;
  std::string target;  // as on the request line
  HttpHeaders headers;
  std::string body;
  MemoryShare memory{};  // of the body; whoever frees the text gives it back
  std::string_view header(std::string_view name) const { return findHeader(headers, name); }
};

// Every call has the server's write deadline; an error means that the peer is gone or does not
// read.
class ResponseWriter {
 public:
  virtual ~ResponseWriter() = default;
  virtual bool started() const = 0;
  // A whole response with Content-Length.
  virtual net::awaitable<Result<void>> send(int status, HttpHeaders headers, std::string body) = 0;
  // A chunked response: start, write..., finish. Each is one system call; `first` goes out with the
  // header and `last` with the end of the body, both may be empty.
  virtual net::awaitable<Result<void>> start(int status, HttpHeaders headers,
                                             std::string_view first) = 0;
  virtual net::awaitable<Result<void>> write(std::string_view bytes) = 0;
  virtual net::awaitable<Result<void>> finish(std::string_view last) = 0;
};

// Lives on one thread. A handler that returns without a complete response closes the connection.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  virtual net::awaitable<void> handle(ServerRequest& request, ResponseWriter& response) = 0;
  // The request never became one (malformed, header or body too large): the body of the error
  // answer.
  virtual std::string errorBody(int status, std::string_view message) = 0;
};

struct ServerOptions {
  std::string listen =
      "unix:/run/agent-gateway/executor.sock";  // or "127.0.0.1:8080", "[::1]:8080"
  unsigned socket_mode = 0660;                  // of a unix socket
  std::size_t max_header_bytes = 32 * 1024;
  std::size_t max_body_bytes = 17 * 1024 * 1024;  // a little over the edge's limit
  Millis header_timeout{10000};
  Millis body_timeout{60000};
  Millis idle_timeout{90000};  // longer than the edge's keep-alive
  Millis write_timeout{60000};
  unsigned max_requests_per_connection = 1000;
  std::size_t max_connections = 10000;
  // Of the bodies of all requests; null: no bound. What does not fit is refused with 503 before it
  // is read.
  std::shared_ptr<MemoryBudget> body_memory{};
};

struct ServerWorker {
  net::io_context& context;
  RequestHandler& handler;
};

class HttpServer {
 public:
  virtual ~HttpServer() = default;
  // Stops accepting in the order of the drain (unlink the path, accept until EAGAIN, close),
  // answers what still arrives with "Connection: close", leaves it to the peers to close idle
  // connections, and returns when none is left. At the deadline idle connections are closed and
  // running handlers are cancelled as if their clients had left; it then returns as soon as they
  // have unwound, after a second at the latest. Start it once, on the first worker's thread.
  virtual net::awaitable<void> drain(Deadline deadline) = 0;
  virtual std::size_t openRequests() const = 0;  // over all threads
  virtual std::string address() const = 0;       // the bound address, with the real port
};

// Binds at once; throws std::runtime_error with a message that names the address. A unix socket
// path that a dead process left is replaced, one with a live listener is refused. Workers' threads
// are run by the caller; the server is destroyed when they have stopped, before the contexts and
// the handlers.
std::unique_ptr<HttpServer> makeHttpServer(ServerOptions options, std::vector<ServerWorker> workers,
                                           telemetry::Log& log);

}  // namespace agw::io
