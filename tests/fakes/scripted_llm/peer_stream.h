// One accepted connection: sends, pauses, and notices the moment the peer hangs up meanwhile.
// Used by one coroutine on one io_context.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/tcp_stream.hpp>

namespace scripted_llm {

namespace net = boost::asio;

class PeerStream {
 public:
  PeerStream(net::ip::tcp::socket socket, std::chrono::milliseconds write_timeout);
  PeerStream(const PeerStream&) = delete;
  PeerStream& operator=(const PeerStream&) = delete;

  boost::beast::tcp_stream& stream() { return stream_; }

  // From watch() to unwatch() a FIN or RST of the peer ends pauses and sends at once. When the peer
  // sends ahead (a pipelined request), its end is noticed by a failing send only.
  void watch();
  void unwatch();

  // False: the peer is gone, or did not take the bytes within the write timeout. `bytes` must
  // outlive it.
  net::awaitable<bool> send(std::string_view bytes);
  net::awaitable<bool> pause(std::chrono::milliseconds duration);
  net::awaitable<void> untilPeerCloses();

  void close();  // FIN
  void reset();  // RST
  bool open() const { return open_; }

 private:
  void armWatch();
  void onReadable(const boost::system::error_code& error);
  void peerGone();

  boost::beast::tcp_stream stream_;
  net::steady_timer timer_;
  const std::chrono::milliseconds write_timeout_;
  bool gone_ = false;
  bool open_ = true;
  std::uint64_t watch_number_ = 0;  // a completion of an earlier watch() is none of ours
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace scripted_llm
