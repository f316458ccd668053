#include "io/client_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/write.hpp>
#include <cerrno>

#include "io/coro.h"
#include "io/ready_read.h"

namespace agw::io {
namespace {

// `phase`: what was under way when the time was over.
Error connectError(const ClientConnection& connection, std::string_view phase, std::string why) {
  Error error =
      connection.timedOut()
          ? upstreamError(ErrorCode::UpstreamTimeout, "connecting to the upstream took too long")
          : upstreamError(ErrorCode::UpstreamUnreachable, "the upstream cannot be reached");
  if (connection.timedOut()) why = std::string(phase) + " did not end in time";
  error.detail = connection.peer() + ": " + std::move(why);
  error.retryable = true;
  return error;
}

}  // namespace

ClientConnection::ClientConnection(net::io_context& context, std::string peer,
                                   std::size_t max_buffer)
    : peer_(std::move(peer)),
      socket_(context),
      buffer_(max_buffer),
      timer_(context.get_executor(), [this] {
        timed_out_ = true;
        close();
      }) {}

ClientConnection::~ClientConnection() {
  if (tls_) TlsContext::keepSession(tls_->native_handle());
}

net::awaitable<Result<void>> ClientConnection::connect(NameLookup::Endpoints endpoints,
                                                       std::string host,
                                                       std::shared_ptr<TlsContext> tls,
                                                       Deadline deadline) {
  const boost::system::error_code refused = co_await connectTcp(std::move(endpoints), deadline);
  if (refused) co_return connectError(*this, "connecting", refused.message());
  boost::system::error_code reset;  // if the peer is gone again, the next operation says so
  socket_.set_option(net::ip::tcp::no_delay(true), reset);
  socket_.non_blocking(true, reset);
  if (!tls) co_return Result<void>();

  tls_context_ = std::move(tls);
  tls_owner_ = {tls_context_.get(), peer_};
  tls_.emplace(socket_, tls_context_->context());
  tls_context_->prepare(tls_->native_handle(), host, tls_owner_);
  timer_.expireAt(deadline);
  const auto [failed] = co_await tls_->async_handshake(net::ssl::stream_base::client, kAsTuple);
  timer_.clear();
  if (failed) {
    const std::string why = TlsContext::verifyFailure(tls_->native_handle());
    co_return connectError(*this, "the TLS handshake", why.empty() ? failed.message() : why);
  }
  co_return Result<void>();
}

net::awaitable<boost::system::error_code> ClientConnection::connectTcp(
    NameLookup::Endpoints endpoints, Deadline deadline) {
  boost::system::error_code error = net::error::host_not_found;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const auto tries_left = static_cast<int>(endpoints.size() - i);
    timed_out_ = false;
    close();
    socket_.open(endpoints[i].protocol(), error);
    if (error) continue;
    timer_.expireAt(deadline.isSet() ? Deadline::in(deadline.remaining() / tries_left) : deadline);
    std::tie(error) = co_await socket_.async_connect(endpoints[i], kAsTuple);
    timer_.clear();
    if (!error) break;
    if (error == net::error::operation_aborted && !timed_out_) break;  // the caller was cancelled
  }
  co_return error;
}

net::awaitable<ClientConnection::Transfer> ClientConnection::read(Deadline deadline) {
  const std::size_t room = std::min(kReadSize, buffer_.max_size() - buffer_.size());
  if (room == 0) co_return Transfer(net::error::no_buffer_space, 0);
  timer_.expireAt(deadline);
  Transfer result;
  if (tls_) {
    result = co_await tls_->async_read_some(buffer_.prepare(room), kAsTuple);
    buffer_.commit(std::get<1>(result));
  } else {
    result = co_await readWhenReady(socket_, buffer_, room);
  }
  timer_.clear();
  co_return result;
}

net::awaitable<boost::system::error_code> ClientConnection::write(std::string head,
                                                                  std::string_view body,
                                                                  Deadline deadline) {
  timer_.expireAt(deadline);
  boost::system::error_code error;
  std::size_t size = 0;
  if (tls_) {
    // A TLS stream writes one buffer at a time: a record and a system call each.
    head.append(body);
    std::tie(error, size) = co_await net::async_write(*tls_, net::buffer(head), kAsTuple);
  } else {
    const std::array<net::const_buffer, 2> buffers{net::buffer(head), net::buffer(body)};
    std::tie(error, size) = co_await net::async_write(socket_, buffers, kAsTuple);
  }
  timer_.clear();
  co_return error;
}

bool ClientConnection::isQuiet() {
  if (!socket_.is_open()) return false;
  char byte = 0;
  const ssize_t seen = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return seen < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void ClientConnection::rest() {
  timer_.clear();
  buffer_.clear();
  buffer_.shrink_to_fit();
}

void ClientConnection::close() {
  boost::system::error_code ignored;  // nothing else could be done about it
  socket_.close(ignored);
}

}  // namespace agw::io
