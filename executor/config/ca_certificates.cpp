#include "config/ca_certificates.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

namespace agw::config {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};

}  // namespace

std::string checkCaCertificates(const std::string& pem) {
  const std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return "cannot be read: out of memory";
  for (int count = 0;; ++count) {
    const std::unique_ptr<X509, Free> certificate(
        PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (certificate) continue;
    const bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (is_end && count > 0) return {};
    if (is_end) return "holds no certificate in PEM form";
    return "holds something that is no certificate, after " + std::to_string(count) + " that are";
  }
}

}  // namespace agw::config
