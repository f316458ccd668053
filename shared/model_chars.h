// The characters of model ids, for ids themselves and for the globs over them.
#pragma once

#include <string_view>

namespace agw {

constexpr bool isAsciiAlnum(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

constexpr bool isModelIdCharacter(char c) noexcept {
  return isAsciiAlnum(c) || std::string_view("._:/@+-").find(c) != std::string_view::npos;
}

}  // namespace agw
