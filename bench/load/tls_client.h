// TLS sessions of the client's side. They work on the socket itself: the buffers that asio::ssl
// keeps for each stream (34 KB) would be most of the memory of a held connection.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <boost/asio/ssl/context.hpp>

namespace agent_load {

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using SslPtr = std::unique_ptr<SSL, SslFree>;

class TlsClient {
 public:
  // `host` is what the certificate must be for: a name or an address. Throws UsageError when the
  // certificates cannot be loaded.
  TlsClient(const std::optional<std::string>& ca_file, std::string host);

  // A session on that non-blocking socket, which must outlive it. Null when memory is short.
  SslPtr session(int socket);

 private:
  boost::asio::ssl::context context_;
  std::string host_;
  bool host_is_address_;
};

}  // namespace agent_load
