#include "base/json_cursor.h"

#include <bit>
#include <cstddef>
#include <cstring>

namespace agw {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101u;
constexpr std::uint64_t kHighs = 0x8080808080808080u;

// The high bit of each byte that is `c`. Bytes above the first such byte may be marked wrongly.
constexpr std::uint64_t bytesEqual(std::uint64_t word, unsigned char c) {
  const std::uint64_t difference = word ^ (kOnes * c);
  return (difference - kOnes) & ~difference & kHighs;
}

// How many of the eight bytes come before the first quote, backslash or control character.
constexpr unsigned plainBytes(std::uint64_t word) {
  const std::uint64_t controls = (word - kOnes * 0x20) & ~word & kHighs;
  const std::uint64_t found = bytesEqual(word, '"') | bytesEqual(word, '\\') | controls;
  return static_cast<unsigned>(std::countr_zero(found)) / 8;  // 8: none
}

bool isDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

bool JsonCursor::string(std::string_view& raw) {
  if (peek() != '"') return fault();
  const char* const start = at_;
  if (!skipString()) return false;
  raw = {start, static_cast<std::size_t>(at_ - start)};
  return true;
}

bool JsonCursor::value(std::string_view& raw) {
  peek();
  const char* const start = at_;
  if (!skipValue()) return false;
  raw = {start, static_cast<std::size_t>(at_ - start)};
  return true;
}

bool JsonCursor::skipValue() {
  switch (peek()) {
    case '"':
      return skipString();
    case '{':
      return object([](std::string_view, JsonCursor& here) { return here.skipValue(); });
    case '[':
      return array([](JsonCursor& here) { return here.skipValue(); });
    case 't':
      return skipWord("true");
    case 'f':
      return skipWord("false");
    case 'n':
      return skipWord("null");
    default:
      return skipNumber();
  }
}

// The position is on the opening quote.
bool JsonCursor::skipString() {
  ++at_;
  for (;;) {
    if constexpr (std::endian::native == std::endian::little) {
      while (end_ - at_ >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, at_, sizeof(word));
        high_bytes_ |= word;
        const unsigned plain = plainBytes(word);
        at_ += plain;
        if (plain < 8) break;
      }
    }
    if (at_ == end_) return fault();
    const auto c = static_cast<unsigned char>(*at_);
    if (c == '"') {
      ++at_;
      return true;
    }
    if (c == '\\') {
      if (!skipEscape()) return false;
      continue;
    }
    high_bytes_ |= c;
    control_ = control_ || c < 0x20;
    ++at_;
  }
}

bool JsonCursor::skipEscape() {
  ++at_;
  if (at_ == end_) return fault();
  const char kind = *at_;
  if (kind != 'u') {
    if (std::memchr("\"\\/bfnrt", kind, 8) == nullptr) return false;
    ++at_;
    return true;
  }
  ++at_;
  unsigned unit = 0;
  if (!hexDigits(unit)) return false;
  if (unit < 0xD800 || unit > 0xDFFF) return true;
  if (unit > 0xDBFF || end_ - at_ < 2 || at_[0] != '\\' || at_[1] != 'u') {
    half_pair_ = true;
    return true;
  }
  const char* const second = at_;
  at_ += 2;
  if (!hexDigits(unit)) return false;
  if (unit < 0xDC00 || unit > 0xDFFF) {
    half_pair_ = true;
    at_ = second;
  }
  return true;
}

bool JsonCursor::hexDigits(unsigned& unit) {
  unit = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    if (at_ == end_) return fault();
    const char c = *at_;
    const char lower = static_cast<char>(c | 0x20);
    if (isDigit(c)) {
      unit = unit * 16 + static_cast<unsigned>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      unit = unit * 16 + static_cast<unsigned>(lower - 'a' + 10);
    } else {
      return false;
    }
  }
  return true;
}

bool JsonCursor::skipWord(std::string_view word) {
  for (const char expected : word) {
    if (at_ == end_) return fault();
    if (*at_ != expected) return false;
    ++at_;
  }
  return true;
}

bool JsonCursor::skipDigits() {
  if (at_ == end_) return fault();
  if (!isDigit(*at_)) return false;
  while (at_ != end_ && isDigit(*at_)) ++at_;
  return true;
}

bool JsonCursor::skipNumber() {
  if (at_ != end_ && *at_ == '-') ++at_;
  if (at_ != end_ && *at_ == '0') {
    ++at_;
  } else if (!skipDigits()) {
    return false;
  }
  if (at_ != end_ && *at_ == '.') {
    ++at_;
    if (!skipDigits()) return false;
  }
  if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
    ++at_;
    if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    if (!skipDigits()) return false;
  }
  return true;
}

}  // namespace agw
