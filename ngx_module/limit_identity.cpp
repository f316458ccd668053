#include "ngx_module/limit_identity.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>
#include <tuple>

namespace agw {
namespace {

constexpr std::size_t kMaxPart = 512;

// A fixed head with the size of the id, so that no two inputs read the same.
struct Head {
  std::uint64_t place;
  std::uint32_t key_id_size;
  std::uint32_t per;
};

static_assert(std::tuple_size_v<LimitSecret> >= XXH3_SECRET_SIZE_MIN);

}  // namespace

LimitIdentity limitIdentity(const LimitSecret& secret, LimitPer per, std::uint64_t place,
                            std::string_view key_id, std::string_view name) noexcept {
  key_id = key_id.substr(0, kMaxPart);
  name = name.substr(0, kMaxPart);
  const Head head{place, static_cast<std::uint32_t>(key_id.size()),
                  static_cast<std::uint32_t>(per)};
  std::array<char, sizeof(Head) + 2 * kMaxPart> text;
  std::memcpy(text.data(), &head, sizeof head);
  if (!key_id.empty()) {
    std::memcpy(text.data() + sizeof head, key_id.data(), key_id.size());
  }
  if (!name.empty()) {
    std::memcpy(text.data() + sizeof head + key_id.size(), name.data(), name.size());
  }
  const XXH128_hash_t hash = XXH3_128bits_withSecret(
      text.data(), sizeof head + key_id.size() + name.size(), secret.data(), secret.size());
  return {{hash.low64, hash.high64}};
}

}  // namespace agw
