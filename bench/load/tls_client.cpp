#include "bench/load/tls_client.h"

#include <utility>

#include <boost/asio/ip/address.hpp>

#include "bench/load/url.h"

namespace agent_load {
namespace {

bool isAddress(const std::string& host) {
  boost::system::error_code error;
  boost::asio::ip::make_address(host, error);
  return !error;
}

}  // namespace

TlsClient::TlsClient(const std::optional<std::string>& ca_file, std::string host)
    : context_(boost::asio::ssl::context::tls_client),
      host_(std::move(host)),
      host_is_address_(isAddress(host_)) {
  boost::system::error_code error;
  if (ca_file) {
    context_.load_verify_file(*ca_file, error);
  } else {
    context_.set_default_verify_paths(error);
  }
  if (error) {
    throw UsageError((ca_file ? "--ca " + *ca_file : "the system's certificates") + ": " +
                     error.message());
  }
  SSL_CTX* const context = context_.native_handle();
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  // Several records in one read; an idle session gives its buffers back.
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

SslPtr TlsClient::session(int socket) {
  SslPtr ssl(SSL_new(context_.native_handle()));
  if (!ssl || SSL_set_fd(ssl.get(), socket) != 1) return nullptr;
  if (host_is_address_) {
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), host_.c_str()) != 1) {
      return nullptr;
    }
  } else if (SSL_set1_host(ssl.get(), host_.c_str()) != 1 ||
             SSL_set_tlsext_host_name(ssl.get(), host_.c_str()) != 1) {
    return nullptr;
  }
  SSL_set_connect_state(ssl.get());
  return ssl;
}

}  // namespace agent_load
