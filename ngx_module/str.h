// Between ngx_str_t (pointer and length, not NUL-terminated, owned by some pool) and string_view.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ngx_module/ngx.h"

namespace agw {

inline std::string_view view(const ngx_str_t& text) noexcept {
  return {reinterpret_cast<const char*>(text.data), text.len};
}

inline std::string_view view(const u_char* begin, const u_char* end) noexcept {
  return {reinterpret_cast<const char*>(begin), static_cast<std::size_t>(end - begin)};
}

// Decimal digits, at most 20. std::to_chars is several times quicker than ngx_sprintf.
inline u_char* putNumber(u_char* out, std::uint64_t number) noexcept {
  char* const begin = reinterpret_cast<char*>(out);
  return reinterpret_cast<u_char*>(std::to_chars(begin, begin + 20, number).ptr);
}

// Copies `text` to `out`, where there is room for it, and returns the end.
inline u_char* put(u_char* out, std::string_view text) noexcept {
  return text.empty() ? out : ngx_cpymem(out, text.data(), text.size());
}

// nginx's structs hold non-const pointers even to text that nobody writes to (header names and
// values, content types). The bytes must outlive the request.
inline ngx_str_t borrowed(std::string_view text) noexcept {
  return {text.size(), reinterpret_cast<u_char*>(const_cast<char*>(text.data()))};
}

// Case-insensitive, with '_' taken for '-': how a header name would reach a CGI-like reader.
// `lower` is in lower case, with '-'.
inline bool isHeaderName(std::string_view name, std::string_view lower) noexcept {
  if (name.size() != lower.size()) {
    return false;
  }
  for (std::size_t i = 0; i < name.size(); ++i) {
    char c = name[i];
    if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    } else if (c == '_') {
      c = '-';
    }
    if (c != lower[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace agw
