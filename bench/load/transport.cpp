#include "bench/load/transport.h"

#include <openssl/err.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

namespace agent_load {
namespace {

int intSize(std::size_t size) { return static_cast<int>(std::min<std::size_t>(size, INT_MAX)); }

}  // namespace

bool Transport::startTls(TlsClient& client) {
  ssl_ = client.session(static_cast<int>(socket_.native_handle()));
  return ssl_ != nullptr;
}

IoResult Transport::handshake() {
  ERR_clear_error();
  return fromTls(SSL_do_handshake(ssl_.get()));
}

IoResult Transport::read(char* room, std::size_t size) {
  if (ssl_) {
    ERR_clear_error();
    return fromTls(SSL_read(ssl_.get(), room, intSize(size)));
  }
  boost::system::error_code error;
  const std::size_t bytes = socket_.read_some(boost::asio::buffer(room, size), error);
  return fromSocket(bytes, error, Io::WantRead);
}

IoResult Transport::write(std::string_view bytes) {
  if (ssl_) {
    ERR_clear_error();
    return fromTls(SSL_write(ssl_.get(), bytes.data(), intSize(bytes.size())));
  }
  boost::system::error_code error;
  const std::size_t written = socket_.write_some(boost::asio::buffer(bytes), error);
  return fromSocket(written, error, Io::WantWrite);
}

void Transport::close() {
  ssl_.reset();
  boost::system::error_code error;
  socket_.close(error);  // the descriptor is free again whatever it says
}

IoResult Transport::fromSocket(std::size_t bytes, const boost::system::error_code& error,
                               Io would_block) {
  if (!error) return {Io::Done, bytes};
  if (error == boost::asio::error::would_block || error == boost::asio::error::interrupted) {
    return {would_block};
  }
  if (error == boost::asio::error::eof) return {Io::End};
  error_ = error.message();
  return {Io::Failed};
}

IoResult Transport::fromTls(int result) {
  if (result > 0) return {Io::Done, static_cast<std::size_t>(result)};
  const int system_error = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {Io::WantRead};
    case SSL_ERROR_WANT_WRITE:
      return {Io::WantWrite};
    case SSL_ERROR_ZERO_RETURN:
      return {Io::End};
    case SSL_ERROR_SYSCALL:
      error_ = system_error != 0 ? std::strerror(system_error) : "closed without close_notify";
      return {Io::Failed};
    default: {
      const long verified = SSL_get_verify_result(ssl_.get());
      const char* const reason = ERR_reason_error_string(ERR_peek_error());
      error_ = verified != X509_V_OK ? X509_verify_cert_error_string(verified)
               : reason              ? reason
                                     : "TLS error";
      return {Io::Failed};
    }
  }
}

}  // namespace agent_load
