// What no error text may show.
#pragma once

#include <cstddef>
#include <string_view>

// 64 hex digits in a row.
inline bool holdsHash(std::string_view text) {
  std::size_t run = 0;
  for (const char c : text) {
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    run = hex ? run + 1 : 0;
    if (run == 64) return true;
  }
  return false;
}
