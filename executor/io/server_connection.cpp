#include "io/server_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>

#include "io/coro.h"
#include "io/ready_read.h"
#include "io/server_response.h"

namespace agw::io {
namespace {

constexpr std::size_t kReadSize = 16 * 1024;
constexpr std::size_t kBodyReadSize = 64 * 1024;
// After the last response: how long a peer that still sends is listened to, so that closing does
// not reset the connection before it has read the response.
constexpr Millis kLinger{2000};

int addressFamily(int fd) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  return ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0 ? name.ss_family
                                                                           : AF_UNIX;
}

ServerConnection::Refusal refusalOf(const boost::beast::error_code& error,
                                    const RequestParser& parser) {
  if (error == http::error::body_limit) return {413, "the request body is too large"};
  if (error == http::error::header_limit) {
    if (!parser.startLineDone()) return {414, "the request line is too long"};
    return {431, "the request header is too large"};
  }
  if (error == http::error::bad_version) return {505, "the HTTP version is not supported"};
  if (error == boost::system::errc::not_enough_memory) {
    return {503, "the gateway holds as many large requests as it may"};
  }
  return {400, "the request is not valid HTTP"};
}

class OpenRequest {
 public:
  explicit OpenRequest(WorkerState& worker) : worker_(worker) {
    worker_.open_requests.fetch_add(1);
  }
  ~OpenRequest() { worker_.open_requests.fetch_sub(1); }
  OpenRequest(const OpenRequest&) = delete;
  OpenRequest& operator=(const OpenRequest&) = delete;

 private:
  WorkerState& worker_;
};

}  // namespace

void ServerConnection::start(std::shared_ptr<ServerState> state, WorkerState& worker, UniqueFd fd) {
  auto self = std::make_shared<ServerConnection>(std::move(state), worker, std::move(fd));
  if (!self->socket_.is_open()) return;
  auto ended = [self](std::exception_ptr failure) { self->ended(std::move(failure)); };
  net::co_spawn(worker.context, run(self),
                net::bind_cancellation_slot(self->cancel_.slot(), std::move(ended)));
}

ServerConnection::ServerConnection(std::shared_ptr<ServerState> state, WorkerState& worker,
                                   UniqueFd fd)
    : state_(std::move(state)),
      worker_(worker),
      socket_(worker.context),
      // A header may fill the buffer to its limit before it can be parsed.
      buffer_(state_->options.max_header_bytes + kBodyReadSize),
      timer_(worker.context.get_executor(), [this] { socket_.cancel(); }) {
  boost::system::error_code error;
  socket_.assign(net::generic::stream_protocol(addressFamily(fd.get()), 0), fd.get(), error);
  if (!error) {
    fd.release();
    socket_.non_blocking(true, error);
  }
  if (error) {
    state_->log.write(telemetry::Level::Error, "accept_failed",
                      {{"address", state_->options.listen}, {"error", error.message()}});
    socket_.close(error);
  }
  worker_.registered.insert(this);
}

ServerConnection::~ServerConnection() {
  worker_.registered.erase(this);
  worker_.connections.fetch_sub(1);
  if (state_->close_awaited.exchange(false)) {
    net::post(state_->workers.front()->context, [state = state_] {
      if (state->on_close) state->on_close();
    });
  }
}

void ServerConnection::abort() {
  if (handling_) {
    peerLeft();
  } else {
    peer_left_ = true;
    boost::system::error_code ignored;  // closing is all that is left to do
    socket_.close(ignored);
  }
}

net::awaitable<void> ServerConnection::run(std::shared_ptr<ServerConnection> self) {
  Next next = Next::Request;
  while (next == Next::Request) next = co_await self->serveOne();
  if (next == Next::Linger) co_await self->linger();
}

void ServerConnection::ended(std::exception_ptr failure) const {
  if (!failure) return;
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    if (error.code() == net::error::operation_aborted) return;  // how a cancelled coroutine unwinds
    state_->log.write(telemetry::Level::Error, "connection_failed", {{"error", error.what()}});
  } catch (const std::exception& error) {
    state_->log.write(telemetry::Level::Error, "connection_failed", {{"error", error.what()}});
  }
}

net::awaitable<ServerConnection::Next> ServerConnection::serveOne() {
  RequestParser parser(state_->options.max_header_bytes, state_->options.max_body_bytes,
                       MemoryShare(state_->options.body_memory));
  const Next read = co_await readRequest(parser);
  if (read != Next::Request) co_return read;

  const bool keep_alive =
      ++served_ < state_->options.max_requests_per_connection && parser.keep_alive();
  const bool http11 = parser.isHttp11();
  ServerRequest request = parser.take();
  // A stream may be open for long: it need not hold the read buffer.
  if (buffer_.size() == 0) buffer_.shrink_to_fit();
  ServerResponse response(*this, {http11, request.method == "HEAD", keep_alive});
  co_return co_await handle(request, response);
}

net::awaitable<ServerConnection::Next> ServerConnection::readRequest(RequestParser& parser) {
  const ServerOptions& options = state_->options;
  if (buffer_.size() == 0) {
    timer_.expireIn(options.idle_timeout);
    const Fill first = co_await fill(kReadSize);
    if (first != Fill::Data) co_return Next::Close;
  }
  timer_.expireIn(options.header_timeout);
  bool in_body = false;
  for (;;) {
    boost::beast::error_code error = http::error::need_more;
    if (buffer_.size() > 0) buffer_.consume(parser.put(buffer_.cdata(), error));
    if (buffer_.size() == buffer_.max_size()) error = http::error::header_limit;
    if (error && error != http::error::need_more) {
      co_await refuse(refusalOf(error, parser));
      co_return Next::Linger;
    }
    if (parser.is_done()) {
      timer_.clear();
      co_return Next::Request;
    }
    if (!in_body && parser.is_header_done()) {
      in_body = true;
      timer_.expireIn(options.body_timeout);
      if (buffer_.size() == 0 && parser.expectsContinue() && !co_await sendContinue()) {
        co_return Next::Close;
      }
    }
    if (!error && buffer_.size() > 0) continue;

    const Fill more = co_await fill(in_body ? kBodyReadSize : kReadSize);
    if (more == Fill::Closed) co_return Next::Close;
    if (more == Fill::TimedOut) {
      const Refusal late{408, in_body ? "the request body did not arrive in time"
                                      : "the request header did not arrive in time"};
      co_await refuse(late);
      co_return Next::Linger;
    }
    if (in_body) timer_.expireIn(options.body_timeout);
  }
}

net::awaitable<ServerConnection::Fill> ServerConnection::fill(std::size_t most) {
  // The deadline may have passed just after the last read: its cancel met no operation.
  if (timer_.expired()) co_return Fill::TimedOut;
  const std::size_t room = std::min(most, buffer_.max_size() - buffer_.size());
  const auto [error, size] = co_await readWhenReady(socket_, buffer_, room);
  if (!error) co_return Fill::Data;
  co_return timer_.expired() ? Fill::TimedOut : Fill::Closed;
}

net::awaitable<bool> ServerConnection::sendContinue() {
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  const auto [error, size] = co_await net::async_write(socket_, net::buffer(kContinue), kAsTuple);
  co_return !error;
}

net::awaitable<void> ServerConnection::refuse(Refusal refusal) {
  ServerResponse response(*this, {});
  HttpHeaders headers{{"Content-Type", "application/json"}};
  if (refusal.status == 503) headers.push_back({"Retry-After", "1"});
  std::string body = worker_.handler.errorBody(refusal.status, refusal.message);
  // A peer that does not take the answer either is closed all the same.
  co_await response.send(refusal.status, std::move(headers), std::move(body));
}

net::awaitable<ServerConnection::Next> ServerConnection::handle(ServerRequest& request,
                                                                ServerResponse& response) {
  const OpenRequest open(worker_);
  // What the handler of the request before did to the coroutine's state ends with it.
  co_await net::this_coro::reset_cancellation_state(net::enable_terminal_cancellation());
  co_await net::this_coro::throw_if_cancelled(true);
  handling_ = true;
  startWatch();
  std::string failure;
  try {
    co_await worker_.handler.handle(request, response);
  } catch (const std::exception& error) {
    if (!peer_left_) failure = error.what();  // else: how a cancelled handler unwinds
  }
  handling_ = false;
  watch_.emit(net::cancellation_type::terminal);
  if (peer_left_) co_return Next::Close;
  if (!failure.empty()) {
    state_->log.write(telemetry::Level::Error, "handler_failed", {{"error", failure}});
    const Refusal broken{500, "internal error"};
    if (!response.started()) co_await refuse(broken);
    co_return Next::Linger;
  }
  if (response.keepAlive()) co_return Next::Request;
  co_return response.failed() ? Next::Close : Next::Linger;
}

// Reads nothing: bytes of a next request stay where they are, and end the watch.
void ServerConnection::startWatch() {
  auto seen = [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
    if (!error || error == net::error::operation_aborted) return;
    self->peerLeft();
  };
  socket_.async_receive(net::buffer(&peeked_, 1), net::socket_base::message_peek,
                        net::bind_cancellation_slot(watch_.slot(), std::move(seen)));
}

void ServerConnection::peerLeft() {
  peer_left_ = true;
  if (handling_) cancel_.emit(net::cancellation_type::terminal);
}

net::awaitable<void> ServerConnection::linger() {
  boost::system::error_code error;
  socket_.shutdown(Socket::shutdown_send, error);
  timer_.expireIn(kLinger);
  std::size_t left = state_->options.max_body_bytes;
  while (!error && left > 0) {
    buffer_.clear();
    if (co_await fill(kBodyReadSize) != Fill::Data) co_return;
    left -= std::min(left, buffer_.size());
  }
}

}  // namespace agw::io
