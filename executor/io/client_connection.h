// One TCP or TLS connection of the client, with its read buffer and its deadline.
#pragma once

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "base/error.h"
#include "base/url.h"
#include "io/deadline_timer.h"
#include "io/name_lookup.h"
#include "io/tls.h"

namespace agw::io {

namespace net = boost::asio;

class ClientConnection {
 public:
  using Transfer = std::tuple<boost::system::error_code, std::size_t>;

  // `peer` names what the connection may be reused for.
  ClientConnection(net::io_context& context, std::string peer, std::size_t max_buffer);
  ~ClientConnection();

  // TCP and, with `tls`, the handshake. Tries the endpoints in turn, each with its share of the
  // time left.
  net::awaitable<Result<void>> connect(NameLookup::Endpoints endpoints, std::string host,
                                       std::shared_ptr<TlsContext> tls, Deadline deadline);
  // Every transfer ends at the deadline at the latest, by closing the connection.
  net::awaitable<Transfer> read(Deadline deadline);  // into buffer(), at most kReadSize bytes
  net::awaitable<boost::system::error_code> write(std::string head, std::string_view body,
                                                  Deadline deadline);

  const std::string& peer() const { return peer_; }
  boost::beast::flat_buffer& buffer() { return buffer_; }
  bool timedOut() const { return timed_out_; }
  // Nothing to read and not closed by the peer: fit for another request.
  bool isQuiet();
  // Between two requests: no deadline, no memory held.
  void rest();
  void close();

  static constexpr std::size_t kReadSize = 16 * 1024;

 private:
  net::awaitable<boost::system::error_code> connectTcp(NameLookup::Endpoints endpoints,
                                                       Deadline deadline);

  std::string peer_;
  std::shared_ptr<TlsContext> tls_context_;
  TlsContext::Owner tls_owner_;
  net::ip::tcp::socket socket_;
  std::optional<net::ssl::stream<net::ip::tcp::socket&>> tls_;
  boost::beast::flat_buffer buffer_;
  bool timed_out_ = false;
  DeadlineTimer timer_;
};

}  // namespace agw::io
