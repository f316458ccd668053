// Finds the next byte of a JSON string that needs a look, 16 or 8 bytes at a time.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace agw {

// A quote, a backslash, a control character or a byte outside ASCII.
constexpr bool endsPlainRun(unsigned char c) noexcept {
  return c == '"' || c == '\\' || c < 0x20 || c >= 0x80;
}

inline const char* skipPlainBytes(const char* p, const char* end) noexcept {
  while (p != end && !endsPlainRun(static_cast<unsigned char>(*p))) ++p;
  return p;
}

// For processors without SSE2; built everywhere, so that it is tested everywhere.
inline const char* skipPlainWords(const char* p, const char* end) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighs = 0x8080808080808080;
  const auto has_zero = [](std::uint64_t v) { return (v - kOnes) & ~v & kHighs; };
  while (end - p >= 8) {
    std::uint64_t block;
    std::memcpy(&block, p, sizeof(block));
    const std::uint64_t hit = (block & kHighs) | ((block - kOnes * 0x20) & ~block & kHighs) |
                              has_zero(block ^ kOnes * '"') | has_zero(block ^ kOnes * '\\');
    if (hit != 0) break;
    p += 8;
  }
  return skipPlainBytes(p, end);
}

// The first such byte in [p, end), or `end`. Reads nothing outside the range.
inline const char* skipPlainString(const char* p, const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i space = _mm_set1_epi8(0x20);
  while (end - p >= 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    // The signed comparison catches both control characters and bytes of 0x80 and above.
    const __m128i hit =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)),
                     _mm_cmplt_epi8(block, space));
    const int mask = _mm_movemask_epi8(hit);
    if (mask != 0) return p + __builtin_ctz(static_cast<unsigned>(mask));
    p += 16;
  }
  return skipPlainBytes(p, end);
#else
  return skipPlainWords(p, end);
#endif
}

}  // namespace agw
