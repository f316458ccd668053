// Reads from a socket without holding a buffer while nothing arrives.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <cstddef>
#include <tuple>

#include "io/coro.h"

namespace agw::io {

// Up to so many bytes are kept in a buffer of their own size while the next are waited for.
inline constexpr std::size_t kLeftOver = 256;

// At most `room` bytes into `buffer`, as soon as there are any. A buffer that holds next to nothing
// (the line end behind a chunk waits for the next chunk) gives its memory back while it waits: most
// of a gateway's connections wait most of the time, and 16 KiB each would be most of what an open
// stream costs. The socket is in non-blocking mode; socket and buffer outlive the call.
template <class Socket>
net::awaitable<std::tuple<boost::system::error_code, std::size_t>> readWhenReady(
    Socket& socket, boost::beast::flat_buffer& buffer, std::size_t room) {
  for (;;) {
    boost::system::error_code error;
    const std::size_t size = socket.read_some(buffer.prepare(room), error);
    buffer.commit(size);
    // A socket may be reported ready with nothing to read: then it is waited for again.
    if (error != net::error::would_block && error != net::error::try_again) {
      co_return std::tuple(error, size);
    }
    if (buffer.size() <= kLeftOver) buffer.shrink_to_fit();
    std::tie(error) = co_await socket.async_wait(net::socket_base::wait_read, kAsTuple);
    if (error) co_return std::tuple(error, std::size_t{0});
  }
}

}  // namespace agw::io
