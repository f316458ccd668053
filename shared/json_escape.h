// The escapes of JSON strings (RFC 8259, section 7), each where it stands whole.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "shared/utf8.h"

namespace agw {

// Value of a hex digit, -1 for every other byte.
inline constexpr auto kHexValues = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (int i = 0; i < 10; ++i)
    values[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(i);
  for (int i = 0; i < 6; ++i) {
    values[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(10 + i);
    values[static_cast<std::size_t>('A' + i)] = static_cast<std::int8_t>(10 + i);
  }
  return values;
}();

constexpr int hexDigit(char c) noexcept { return kHexValues[static_cast<unsigned char>(c)]; }

constexpr char32_t joinSurrogates(char32_t high, char32_t low) noexcept {
  return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

// The character of a two-character escape, by the byte after the backslash; 0: it is none.
inline constexpr auto kSimpleEscapes = [] {
  std::array<char, 256> characters{};
  characters['"'] = '"';
  characters['\\'] = '\\';
  characters['/'] = '/';
  characters['b'] = '\b';
  characters['f'] = '\f';
  characters['n'] = '\n';
  characters['r'] = '\r';
  characters['t'] = '\t';
  return characters;
}();

constexpr char simpleEscape(char c) noexcept {
  return kSimpleEscapes[static_cast<unsigned char>(c)];
}

// The code unit of a \uXXXX that stands whole at `p`, else a negative number.
constexpr std::int32_t hexUnit(const char* p, const char* end) noexcept {
  if (end - p < 6 || p[0] != '\\' || p[1] != 'u') return -1;
  const int a = hexDigit(p[2]);
  const int b = hexDigit(p[3]);
  const int c = hexDigit(p[4]);
  const int d = hexDigit(p[5]);
  return (a | b | c | d) < 0 ? -1 : a << 12 | b << 8 | c << 4 | d;
}

// A character that is written as one \uXXXX or as two.
struct UnicodeEscape {
  std::size_t taken;  // bytes; 0: cut by the end of the input, or bad
  char32_t character;
};

constexpr UnicodeEscape unicodeEscape(const char* p, const char* end) noexcept {
  const std::int32_t first = hexUnit(p, end);
  if (first < 0) return {0, 0};
  if (first < 0xD800 || first > 0xDFFF) return {6, static_cast<char32_t>(first)};
  if (first > 0xDBFF) return {0, 0};
  const std::int32_t second = hexUnit(p + 6, end);
  if (second < 0xDC00 || second > 0xDFFF) return {0, 0};
  return {12, joinSurrogates(static_cast<char32_t>(first), static_cast<char32_t>(second))};
}

struct WholeEscape {
  std::size_t taken;  // bytes; 0: cut by the end of the input, or bad
  std::size_t size;   // bytes written, at most 4
};

// Decodes the escape whose backslash is at `p`.
constexpr WholeEscape decodeEscape(const char* p, const char* end, char* out) noexcept {
  if (end - p < 2) return {0, 0};
  if (p[1] != 'u') {
    *out = simpleEscape(p[1]);
    return {*out != 0 ? 2U : 0U, 1};
  }
  const UnicodeEscape escape = unicodeEscape(p, end);
  if (escape.taken == 0) return {0, 0};
  return {escape.taken, encodeUtf8(escape.character, out)};
}

}  // namespace agw
