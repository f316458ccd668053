#include "io/tls_test_support.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace agw::io::test {
namespace {

void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

void addExtension(X509* certificate, X509* issuer, int id, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, id, value);
  require(extension != nullptr, value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Identity makeIdentity(const char* name, const Identity* issuer) {
  static std::atomic<long> serial{1};
  Identity result{Key(EVP_EC_gen("P-256")), Certificate(X509_new())};
  X509* const certificate = result.certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, result.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509* const from = issuer != nullptr ? issuer->certificate.get() : certificate;
  X509_set_issuer_name(certificate, X509_get_subject_name(from));
  return result;
}

}  // namespace

Identity makeCa(const char* name) {
  Identity ca = makeIdentity(name, nullptr);
  addExtension(ca.certificate.get(), ca.certificate.get(), NID_basic_constraints,
               "critical,CA:TRUE");
  addExtension(ca.certificate.get(), ca.certificate.get(), NID_key_usage, "critical,keyCertSign");
  require(X509_sign(ca.certificate.get(), ca.key.get(), EVP_sha256()) > 0, "sign");
  return ca;
}

Identity makeLeaf(const Identity& ca, const std::string& names) {
  Identity leaf = makeIdentity("test server", &ca);
  addExtension(leaf.certificate.get(), ca.certificate.get(), NID_subject_alt_name, names.c_str());
  require(X509_sign(leaf.certificate.get(), ca.key.get(), EVP_sha256()) > 0, "sign");
  return leaf;
}

std::string toPem(const Identity& identity) {
  BIO* const memory = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(memory, identity.certificate.get());
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory, &bytes);
  std::string pem(bytes, static_cast<std::size_t>(size));
  BIO_free(memory);
  return pem;
}

RawTlsServer::RawTlsServer(const Identity& identity, Script script, int max_version)
    : context_(SSL_CTX_new(TLS_server_method())) {
  SSL_CTX_set_max_proto_version(context_.get(), max_version);
  SSL_CTX_use_certificate(context_.get(), identity.certificate.get());
  SSL_CTX_use_PrivateKey(context_.get(), identity.key.get());
  static constexpr unsigned char kContext[] = "test";
  SSL_CTX_set_session_id_context(context_.get(), kContext, sizeof kContext);
  SSL_CTX_set_alpn_select_cb(
      context_.get(),
      [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in,
         unsigned in_size, void* self) {
        static_cast<RawTlsServer*>(self)->alpn_.assign(in, in + in_size);
        *out = in + 1;
        *size = in[0];
        return SSL_TLSEXT_ERR_OK;
      },
      this);
  server_ = std::make_unique<RawServer>([this, script = std::move(script)](RawSocket& socket, int) {
    const std::unique_ptr<SSL, Freer<SSL_free>> ssl(SSL_new(context_.get()));
    SSL_set_fd(ssl.get(), socket.fd());
    if (SSL_accept(ssl.get()) != 1) return;
    const char* const name = SSL_get_servername(ssl.get(), TLSEXT_NAMETYPE_host_name);
    server_name_ = name != nullptr ? name : "";
    if (SSL_session_reused(ssl.get())) ++resumed_;
    script(ssl.get(), handshakes_++);
  });
}

std::string readHeader(SSL* ssl) {
  std::string header;
  while (header.find("\r\n\r\n") == std::string::npos) {
    char buffer[4096];
    const int size = SSL_read(ssl, buffer, sizeof buffer);
    if (size <= 0) return "";
    header.append(buffer, static_cast<std::size_t>(size));
  }
  return header;
}

void sendAll(SSL* ssl, std::string_view bytes) {
  require(SSL_write(ssl, bytes.data(), static_cast<int>(bytes.size())) ==
              static_cast<int>(bytes.size()),
          "SSL_write");
}

}  // namespace agw::io::test
