// Model ids: "namespace/name". An id without '/' means "default/<id>", always, on both sides.
// Characters [A-Za-z0-9._:/@+-], 1 to 256 bytes before canonicalisation, case-sensitive; the
// namespace ends at the first '/', and neither part may be empty.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace agw {

inline constexpr std::string_view kDefaultNamespace = "default";
inline constexpr std::size_t kMaxModelId = 256;

// A canonical id by value: trivially copyable, no allocation (it lives in nginx request contexts).
struct CanonicalModelId {
  std::array<char, kMaxModelId + 8> bytes;
  std::uint16_t size = 0;

  std::string_view view() const noexcept { return {bytes.data(), size}; }
  std::string_view nameSpace() const noexcept { return view().substr(0, view().find('/')); }
  std::string_view name() const noexcept { return view().substr(view().find('/') + 1); }
};

// nullopt: a character or length that no model id has.
std::optional<CanonicalModelId> canonicalModelId(std::string_view id) noexcept;

// The form shown to clients: "name" for the default namespace (unless the name itself holds a '/'),
// otherwise the canonical id. `canonical` must come from canonicalModelId.
std::string_view shortestModelId(std::string_view canonical) noexcept;

}  // namespace agw
