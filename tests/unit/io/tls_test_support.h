// Certificates made for one test, and a raw TLS server that uses them.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "io/io_test_support.h"

namespace agw::io::test {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using SslContext = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;

struct Identity {
  Key key;
  Certificate certificate;
};

Identity makeCa(const char* name = "test CA");
// `names` as in OpenSSL's configuration: "DNS:localhost,IP:127.0.0.1".
Identity makeLeaf(const Identity& ca, const std::string& names);
std::string toPem(const Identity& identity);

class RawTlsServer {
 public:
  // Speaks the highest version up to `max_version`. Runs `script(ssl)` after each handshake that
  // succeeds.
  using Script = std::function<void(SSL*, int)>;
  RawTlsServer(const Identity& identity, Script script, int max_version = TLS1_3_VERSION);

  Url url() const { return Url{true, "localhost", server_->port(), "/"}; }
  int handshakes() const { return handshakes_; }
  int resumed() const { return resumed_; }
  std::string serverName() const { return server_name_; }
  std::string alpn() const { return alpn_; }

 private:
  SslContext context_;
  std::atomic<int> handshakes_{0};
  std::atomic<int> resumed_{0};
  std::string server_name_;
  std::string alpn_;
  std::unique_ptr<RawServer> server_;
};

// The header of one request; its body is left unread. "" when the peer closed.
std::string readHeader(SSL* ssl);
void sendAll(SSL* ssl, std::string_view bytes);

}  // namespace agw::io::test
