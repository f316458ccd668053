// TLS for outgoing connections: TLS 1.2 or newer, the peer's certificate and name always checked,
// sessions resumed per host. One per HttpClient, used on its thread only; connections share its
// ownership.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>
#include <unordered_map>

namespace agw::io {

class TlsContext {
 public:
  // Trusts the certificates in `ca_pem`, or the system's trust store when it is "". Throws
  // std::runtime_error when they cannot be used.
  explicit TlsContext(const std::string& ca_pem);

  boost::asio::ssl::context& context() { return context_; }

  // What a session ticket that arrives later needs; must outlive the SSL object.
  struct Owner {
    TlsContext* tls = nullptr;
    std::string peer;  // "host:port"
  };
  // Name indication, name check, ALPN and the last session of that peer.
  void prepare(SSL* ssl, const std::string& host, Owner& owner);
  // Why the handshake failed, when the reason was the certificate; else "".
  static std::string verifyFailure(SSL* ssl);
  // OpenSSL forgets the session of a connection that is freed without having been shut down.
  static void keepSession(SSL* ssl);

 private:
  struct SessionDeleter {
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  };
  using Session = std::unique_ptr<SSL_SESSION, SessionDeleter>;

  static int ownerIndex();
  static int onNewSession(SSL* ssl, SSL_SESSION* session);

  std::shared_ptr<X509_STORE> system_trust_;  // shared with the other contexts; or none
  boost::asio::ssl::context context_;
  std::unordered_map<std::string, Session> sessions_;
};

}  // namespace agw::io
