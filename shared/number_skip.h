// Reads over a JSON number whose value nobody wants.
#pragma once

namespace agw {

inline const char* skipDigits(const char* p, const char* end) noexcept {
  while (p != end && *p >= '0' && *p <= '9') ++p;
  return p;
}

// The byte after the number at `p`; nullptr when there is none, when it is written wrongly, or when
// it reaches `end`, where it may go on.
inline const char* skipNumber(const char* p, const char* end) noexcept {
  if (p != end && *p == '-') ++p;
  const char* digits = p;
  p = skipDigits(p, end);
  if (p == digits || p == end || (*digits == '0' && p - digits > 1)) return nullptr;
  if (*p == '.') {
    digits = ++p;
    p = skipDigits(p, end);
    if (p == digits || p == end) return nullptr;
  }
  if (*p == 'e' || *p == 'E') {
    ++p;
    if (p != end && (*p == '+' || *p == '-')) ++p;
    digits = p;
    p = skipDigits(p, end);
    if (p == digits || p == end) return nullptr;
  }
  return p;
}

}  // namespace agw
