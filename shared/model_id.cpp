#include "shared/model_id.h"

#include <algorithm>

#include "shared/model_chars.h"

namespace agw {

std::optional<CanonicalModelId> canonicalModelId(std::string_view id) noexcept {
  if (id.empty() || id.size() > kMaxModelId) return std::nullopt;
  if (!std::all_of(id.begin(), id.end(), isModelIdCharacter)) return std::nullopt;
  const std::size_t slash = id.find('/');
  if (slash == 0 || slash == id.size() - 1) return std::nullopt;

  CanonicalModelId canonical;
  char* out = canonical.bytes.data();
  if (slash == std::string_view::npos) {
    out = std::copy(kDefaultNamespace.begin(), kDefaultNamespace.end(), out);
    *out++ = '/';
  }
  out = std::copy(id.begin(), id.end(), out);
  canonical.size = static_cast<std::uint16_t>(out - canonical.bytes.data());
  return canonical;
}

std::string_view shortestModelId(std::string_view canonical) noexcept {
  const std::size_t slash = canonical.find('/');
  if (slash == std::string_view::npos || canonical.substr(0, slash) != kDefaultNamespace) {
    return canonical;
  }
  const std::string_view name = canonical.substr(slash + 1);
  return name.find('/') == std::string_view::npos ? name : canonical;
}

}  // namespace agw
