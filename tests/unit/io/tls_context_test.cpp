#include "io/tls.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>

namespace agw::io {
namespace {

X509_STORE* trustOf(TlsContext& context) {
  return SSL_CTX_get_cert_store(context.context().native_handle());
}

std::string aCa() {
  std::ifstream file(std::string(AGW_SOURCE_DIR) + "/tests/unit/config/data/ca.pem");
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(TlsContext, SharesTheSystemsTrustWithTheOthersThatLive) {
  auto first = std::make_unique<TlsContext>("");
  TlsContext second("");
  X509_STORE* const shared = trustOf(*first);
  EXPECT_EQ(trustOf(second), shared);
  first.reset();
  EXPECT_EQ(trustOf(second), shared);
  TlsContext third("");
  EXPECT_EQ(trustOf(third), shared);
}

TEST(TlsContext, KeepsItsOwnCertificatesToItself) {
  TlsContext system("");
  TlsContext first(aCa());
  TlsContext second(aCa());
  EXPECT_NE(trustOf(first), trustOf(system));
  EXPECT_NE(trustOf(first), trustOf(second));
  EXPECT_THROW(TlsContext("no certificate"), std::runtime_error);
}

}  // namespace
}  // namespace agw::io
