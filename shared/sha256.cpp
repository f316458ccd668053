// Deprecated in favour of EVP, and still what EVP itself calls.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "shared/sha256.h"

#include <openssl/crypto.h>

#include <cstring>

namespace agw {
namespace {

using Block = std::array<unsigned char, SHA256_CBLOCK>;

SHA256_CTX begin(const Block& key, unsigned char pad) noexcept {
  Block block;
  for (std::size_t i = 0; i < block.size(); ++i) block[i] = key[i] ^ pad;
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, block.data(), block.size());
  OPENSSL_cleanse(block.data(), block.size());
  return context;
}

}  // namespace

Sha256Digest sha256(std::string_view bytes) noexcept {
  Sha256Digest digest;
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, bytes.data(), bytes.size());
  SHA256_Final(digest.data(), &context);  // wipes the context
  return digest;
}

HmacSha256::HmacSha256(std::string_view key) noexcept {
  Block block{};
  if (key.size() > block.size()) {
    const Sha256Digest digest = sha256(key);
    std::memcpy(block.data(), digest.data(), digest.size());
  } else if (!key.empty()) {
    std::memcpy(block.data(), key.data(), key.size());
  }
  inner_ = begin(block, 0x36);
  outer_ = begin(block, 0x5C);
  OPENSSL_cleanse(block.data(), block.size());
}

HmacSha256::~HmacSha256() {
  OPENSSL_cleanse(&inner_, sizeof inner_);
  OPENSSL_cleanse(&outer_, sizeof outer_);
}

Sha256Digest HmacSha256::mac(std::string_view text) const noexcept {
  Sha256Digest digest;
  SHA256_CTX context = inner_;
  SHA256_Update(&context, text.data(), text.size());
  SHA256_Final(digest.data(), &context);
  context = outer_;
  SHA256_Update(&context, digest.data(), digest.size());
  SHA256_Final(digest.data(), &context);
  return digest;
}

}  // namespace agw
