// A socket, with or without TLS, that never blocks: each call does what can be done at once.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "bench/load/tls_client.h"

namespace agent_load {

enum class Io { Done, WantRead, WantWrite, End, Failed };

struct IoResult {
  Io io;
  std::size_t bytes = 0;  // Done
};

class Transport {
 public:
  explicit Transport(boost::asio::io_context& io) : socket_(io) {}

  boost::asio::ip::tcp::socket& socket() { return socket_; }
  bool startTls(TlsClient& client);  // false: no memory for a session

  IoResult handshake();
  IoResult read(char* room, std::size_t size);
  IoResult write(std::string_view bytes);
  // After a read of `bytes` into `size`: false when the socket was empty then.
  bool mayHoldMore(std::size_t bytes, std::size_t size) const { return ssl_ || bytes == size; }

  // At once and without a word: TLS sends no close_notify.
  void close();
  const std::string& error() const { return error_; }  // of the last Failed

 private:
  IoResult fromSocket(std::size_t bytes, const boost::system::error_code& error, Io would_block);
  IoResult fromTls(int result);

  boost::asio::ip::tcp::socket socket_;
  SslPtr ssl_;  // works on the socket's descriptor
  std::string error_;
};

}  // namespace agent_load
