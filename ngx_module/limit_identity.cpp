#include "ngx_module/limit_identity.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <cstring>

namespace agw {
namespace {

// Of this process, for its life.
EVP_MAC_CTX* context = nullptr;

bool start(const std::array<unsigned char, 16>& hash_key) noexcept {
  if (context == nullptr) {
    EVP_MAC* mac = EVP_MAC_fetch(nullptr, "SIPHASH", nullptr);
    context = mac != nullptr ? EVP_MAC_CTX_new(mac) : nullptr;
    EVP_MAC_free(mac);  // the context has a reference of its own
    std::size_t size = sizeof(LimitIdentity);
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
                                 OSSL_PARAM_construct_end()};
    if (context == nullptr || EVP_MAC_CTX_set_params(context, params) != 1) {
      return false;
    }
  }
  return EVP_MAC_init(context, hash_key.data(), hash_key.size(), nullptr) == 1;
}

bool add(const void* bytes, std::size_t size) noexcept {
  return EVP_MAC_update(context, static_cast<const unsigned char*>(bytes), size) == 1;
}

}  // namespace

bool limitIdentity(const std::array<unsigned char, 16>& hash_key, LimitPer per, std::uint64_t place,
                   std::string_view key_id, std::string_view name,
                   LimitIdentity& identity) noexcept {
  // A fixed head, then the id with its size, so that no two inputs read the same.
  struct Head {
    std::uint64_t place;
    std::uint32_t key_id_size;
    std::uint32_t per;
  };
  const Head head{place, static_cast<std::uint32_t>(key_id.size()), static_cast<std::uint32_t>(per)};
  std::array<unsigned char, sizeof(LimitIdentity)> hash;
  std::size_t size = 0;
  if (!start(hash_key) || !add(&head, sizeof head) || !add(key_id.data(), key_id.size()) ||
      !add(name.data(), name.size()) ||
      EVP_MAC_final(context, hash.data(), &size, hash.size()) != 1 || size != hash.size()) {
    return false;
  }
  std::memcpy(&identity, hash.data(), hash.size());
  return true;
}

}  // namespace agw
