#include "io/tls.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <mutex>
#include <stdexcept>

namespace agw::io {
namespace {

// Peers whose sessions are kept; beyond it all are forgotten, which costs each one full handshake.
constexpr std::size_t kMaxSessions = 256;
constexpr unsigned char kAlpn[] = "\x08http/1.1";

// The system's trust store, one for all contexts that live at the same time: to read its 140
// certificates takes 20 ms and a megabyte. OpenSSL locks it where it has to. Throws as TlsContext
// does.
std::shared_ptr<X509_STORE> systemTrust() {
  static std::mutex mutex;
  static std::weak_ptr<X509_STORE> shared;
  const std::lock_guard lock(mutex);
  if (auto store = shared.lock()) return store;
  std::shared_ptr<X509_STORE> store(X509_STORE_new(), &X509_STORE_free);
  if (!store || X509_STORE_set_default_paths(store.get()) != 1) {
    throw std::runtime_error("cannot use the system's CA certificates");
  }
  shared = store;
  return store;
}

}  // namespace

TlsContext::TlsContext(const std::string& ca_pem)
    : context_(boost::asio::ssl::context::tls_client) {
  SSL_CTX* const native = context_.native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(native, &TlsContext::onNewSession);
  context_.set_verify_mode(boost::asio::ssl::verify_peer);
  if (ca_pem.empty()) {
    system_trust_ = systemTrust();
    SSL_CTX_set1_cert_store(native, system_trust_.get());
  } else {
    boost::system::error_code error;
    context_.add_certificate_authority(boost::asio::buffer(ca_pem), error);
    if (error) throw std::runtime_error("cannot use the CA certificates: " + error.message());
  }
}

void TlsContext::prepare(SSL* ssl, const std::string& host, Owner& owner) {
  boost::system::error_code not_ip;
  boost::asio::ip::make_address(host, not_ip);
  X509_VERIFY_PARAM* const check = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(check, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (not_ip) {
    SSL_set_tlsext_host_name(ssl, host.c_str());
    X509_VERIFY_PARAM_set1_host(check, host.data(), host.size());
  } else {
    X509_VERIFY_PARAM_set1_ip_asc(check, host.c_str());
  }
  SSL_set_alpn_protos(ssl, kAlpn, sizeof kAlpn - 1);
  SSL_set_ex_data(ssl, ownerIndex(), &owner);
  const auto known = sessions_.find(owner.peer);
  if (known != sessions_.end() && SSL_SESSION_is_resumable(known->second.get()) == 1) {
    SSL_set_session(ssl, known->second.get());
  }
}

std::string TlsContext::verifyFailure(SSL* ssl) {
  const long result = SSL_get_verify_result(ssl);
  return result == X509_V_OK ? std::string() : X509_verify_cert_error_string(result);
}

void TlsContext::keepSession(SSL* ssl) {
  SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

int TlsContext::ownerIndex() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// With TLS 1.3 tickets arrive after the handshake, while the first answer is read.
int TlsContext::onNewSession(SSL* ssl, SSL_SESSION* session) {
  const auto* const owner = static_cast<Owner*>(SSL_get_ex_data(ssl, ownerIndex()));
  if (owner == nullptr) return 0;
  auto& sessions = owner->tls->sessions_;
  if (sessions.size() >= kMaxSessions && !sessions.contains(owner->peer)) sessions.clear();
  sessions[owner->peer] = Session(session);
  return 1;  // the reference is ours now
}

}  // namespace agw::io
