// SHA-256 (FIPS 180-4) by OpenSSL, and HMAC-SHA256 (RFC 2104) over it. Any thread.
//
// Through the functions that OpenSSL calls low-level: the EVP interface allocates, copies and looks
// things up around each digest, which costs more than the digest of a key or of a request's
// headers.
#pragma once

#include <openssl/sha.h>

#include <array>
#include <string_view>

namespace agw {

using Sha256Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

Sha256Digest sha256(std::string_view bytes) noexcept;

// A key made ready for use: a MAC then costs half of what it costs from the key. Wiped at its end.
class HmacSha256 {
 public:
  explicit HmacSha256(std::string_view key) noexcept;
  HmacSha256(const HmacSha256&) noexcept = default;
  HmacSha256& operator=(const HmacSha256&) noexcept = default;
  ~HmacSha256();

  Sha256Digest mac(std::string_view text) const noexcept;

 private:
  // After the block of the key, which both hashes begin with.
  SHA256_CTX inner_;
  SHA256_CTX outer_;
};

}  // namespace agw
