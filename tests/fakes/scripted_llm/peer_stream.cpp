#include "peer_stream.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace scripted_llm {
namespace {

using boost::system::error_code;
constexpr auto kAsTuple = net::as_tuple(net::use_awaitable);

}  // namespace

PeerStream::PeerStream(net::ip::tcp::socket socket, std::chrono::milliseconds write_timeout)
    : stream_(std::move(socket)), timer_(stream_.get_executor()), write_timeout_(write_timeout) {
  error_code ignored;
  stream_.socket().set_option(net::ip::tcp::no_delay(true), ignored);
  stream_.socket().non_blocking(true, ignored);
}

void PeerStream::watch() {
  ++watch_number_;
  armWatch();
}

void PeerStream::armWatch() {
  stream_.socket().async_wait(
      net::ip::tcp::socket::wait_read,
      [this, number = watch_number_, alive = std::weak_ptr<int>(alive_)](const error_code& error) {
        if (!alive.expired() && number == watch_number_) onReadable(error);
      });
}

void PeerStream::unwatch() {
  ++watch_number_;
  error_code ignored;
  stream_.socket().cancel(ignored);
}

void PeerStream::onReadable(const error_code& error) {
  if (error == net::error::operation_aborted) return;
  char byte = 0;
  error_code peek_error = error;
  std::size_t count = 0;
  if (!error) {
    count =
        stream_.socket().receive(net::buffer(&byte, 1), net::socket_base::message_peek, peek_error);
  }
  if (peek_error == net::error::would_block) {
    armWatch();
  } else if (peek_error || count == 0) {
    peerGone();
  }
}

void PeerStream::peerGone() {
  gone_ = true;
  timer_.cancel();
  stream_.cancel();  // a send that waits for the peer to read
}

net::awaitable<bool> PeerStream::send(std::string_view bytes) {
  if (gone_ || !open_) co_return false;
  error_code error;
  const std::size_t sent =
      stream_.socket().write_some(net::buffer(bytes.data(), bytes.size()), error);
  if (!error && sent == bytes.size()) co_return true;
  if (error && error != net::error::would_block) co_return false;
  bytes.remove_prefix(error ? 0 : sent);
  stream_.expires_after(write_timeout_);
  const auto buffer = net::buffer(bytes.data(), bytes.size());
  const auto [write_error, count] = co_await net::async_write(stream_, buffer, kAsTuple);
  co_return !write_error && count == bytes.size() && !gone_;
}

net::awaitable<bool> PeerStream::pause(std::chrono::milliseconds duration) {
  if (gone_ || !open_) co_return false;
  if (duration.count() > 0) {
    timer_.expires_after(duration);
    co_await timer_.async_wait(kAsTuple);
  }
  co_return !gone_;
}

net::awaitable<void> PeerStream::untilPeerCloses() {
  // Not "while (co_await ...) {}": g++ 12 makes a trap of a loop like that.
  for (;;) {
    const bool present = co_await pause(std::chrono::hours(24));
    if (!present) co_return;
  }
}

void PeerStream::close() {
  open_ = false;
  error_code ignored;
  stream_.socket().shutdown(net::ip::tcp::socket::shutdown_both, ignored);
  stream_.socket().close(ignored);
}

void PeerStream::reset() {
  open_ = false;
  error_code ignored;
  stream_.socket().set_option(net::socket_base::linger(true, 0), ignored);
  stream_.socket().close(ignored);
}

}  // namespace scripted_llm
