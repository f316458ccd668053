// Reads from a socket without holding a large buffer while nothing arrives.
#pragma once

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <cstddef>
#include <tuple>

#include "io/coro.h"

namespace agw::io {

// What a connection that waits holds: room for a small request, or for some events of a stream.
inline constexpr std::size_t kWaitRoom = 2048;

// At most `room` bytes into `buffer`, as soon as there are any. While nothing arrives it holds a
// small buffer; the large one is there only for as long as there is much to read. Most of a
// gateway's connections wait most of the time, and 16 KiB each would be most of what an open stream
// costs. (Waiting for readiness with no buffer at all costs two more system calls an event.) The
// socket is in non-blocking mode; socket and buffer outlive the call.
template <class Socket>
net::awaitable<std::tuple<boost::system::error_code, std::size_t>> readWhenReady(
    Socket& socket, boost::beast::flat_buffer& buffer, std::size_t room) {
  if (buffer.size() <= kWaitRoom && buffer.capacity() > 2 * kWaitRoom) buffer.shrink_to_fit();
  const std::size_t first_room = std::min(room, kWaitRoom);
  auto [error, size] = co_await socket.async_read_some(buffer.prepare(first_room), kAsTuple);
  buffer.commit(size);
  if (!error && size == first_room && size < room) {
    boost::system::error_code later;  // also the end of the stream: the next read says so again
    const std::size_t more = socket.read_some(buffer.prepare(room - size), later);
    buffer.commit(more);
    size += more;
  }
  co_return std::tuple(error, size);
}

}  // namespace agw::io
