// UTF-8 as RFC 3629 defines it: no overlong form, no surrogate, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>

namespace agw {

// Validates one multi-byte sequence byte by byte. Trivially copyable.
class Utf8Sequence {
 public:
  // `lead` is >= 0x80. False: no sequence starts with it.
  constexpr bool start(unsigned char lead) noexcept {
    low_ = 0x80;
    high_ = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
      missing_ = 1;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      missing_ = 2;
      if (lead == 0xE0) low_ = 0xA0;   // overlong below
      if (lead == 0xED) high_ = 0x9F;  // surrogates above
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      missing_ = 3;
      if (lead == 0xF0) low_ = 0x90;
      if (lead == 0xF4) high_ = 0x8F;  // beyond U+10FFFF above
    } else {
      missing_ = 0;
      return false;
    }
    return true;
  }

  // False: the byte does not continue the sequence.
  constexpr bool next(unsigned char byte) noexcept {
    if (byte < low_ || byte > high_) return false;
    low_ = 0x80;
    high_ = 0xBF;
    --missing_;
    return true;
  }

  constexpr bool complete() const noexcept { return missing_ == 0; }

 private:
  std::uint8_t missing_ = 0;
  std::uint8_t low_ = 0x80;
  std::uint8_t high_ = 0xBF;
};

// Size of the multi-byte sequence that stands whole at `data` (its first byte is >= 0x80); 0 when
// it is invalid or cut. `valid_prefix` gets the bytes that would have to be replaced by one U+FFFD
// (at least 1).
constexpr std::size_t utf8SequenceSize(const char* data, std::size_t size,
                                       std::size_t* valid_prefix = nullptr) noexcept {
  const auto byte = [data](std::size_t i) { return static_cast<unsigned char>(data[i]); };
  // The bulk of real text beyond ASCII: three bytes that need no look at the borders of the ranges.
  if (size >= 3 && byte(0) > 0xE0 && byte(0) < 0xED && (byte(1) & 0xC0) == 0x80 &&
      (byte(2) & 0xC0) == 0x80) {
    return 3;
  }
  Utf8Sequence sequence;
  std::size_t used = 1;
  bool good = sequence.start(byte(0));
  while (good && !sequence.complete() && used < size) {
    good = sequence.next(byte(used));
    if (good) ++used;
  }
  if (valid_prefix != nullptr) *valid_prefix = used;
  return good && sequence.complete() ? used : 0;
}

// Writes a code point (no surrogate) and returns its size, 1 to 4.
constexpr std::size_t encodeUtf8(char32_t code_point, char* out) noexcept {
  const auto trail = [code_point](unsigned shift) {
    return static_cast<char>(0x80 | ((code_point >> shift) & 0x3F));
  };
  if (code_point < 0x80) {
    out[0] = static_cast<char>(code_point);
    return 1;
  }
  if (code_point < 0x800) {
    out[0] = static_cast<char>(0xC0 | (code_point >> 6));
    out[1] = trail(0);
    return 2;
  }
  if (code_point < 0x10000) {
    out[0] = static_cast<char>(0xE0 | (code_point >> 12));
    out[1] = trail(6);
    out[2] = trail(0);
    return 3;
  }
  out[0] = static_cast<char>(0xF0 | (code_point >> 18));
  out[1] = trail(12);
  out[2] = trail(6);
  out[3] = trail(0);
  return 4;
}

}  // namespace agw
