// Reads through the text of a JSON string that nobody keeps, 64 bytes at a time: a block becomes
// one bit per byte and question, and whole blocks are judged by a few operations on these words.
#pragma once

#include <cstddef>
#include <cstdint>

#include "shared/json_escape.h"
#include "shared/utf8.h"

namespace agw {

inline constexpr unsigned kStringBlock = 64;

// The bits below `count`, which is at most 64.
constexpr std::uint64_t lowBits(unsigned count) noexcept {
  return count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

constexpr unsigned lowestBit(std::uint64_t bits) noexcept {
  return static_cast<unsigned>(__builtin_ctzll(bits));
}

// Where the part of a block ends that is judged now.
struct BlockStop {
  unsigned at = kStringBlock;
  bool unicode_escape = false;  // at the backslash of a \u, or of an escape that is none
};

// The closing quote, or an escape that takes a look of its own, or one that the block cuts.
inline BlockStop findStop(const char* block, std::uint64_t quotes,
                          std::uint64_t backslashes) noexcept {
  BlockStop stop;
  while (backslashes != 0) {
    const unsigned at = lowestBit(backslashes);
    if (at == kStringBlock - 1) {
      stop.at = at;
      break;
    }
    if (simpleEscape(block[at + 1]) == 0) {
      stop = {at, true};
      break;
    }
    const std::uint64_t escape = std::uint64_t{3} << at;
    backslashes &= ~escape;
    quotes &= ~escape;
  }
  if (quotes != 0 && lowestBit(quotes) < stop.at) stop = {lowestBit(quotes), false};
  return stop;
}

// Whether the bytes below `stop` that are not ASCII are UTF-8. Of a block that goes on, `stop` is
// moved before the sequence that crosses its end. [block, end) holds at least the whole block.
template <class Block>
[[gnu::always_inline]] inline bool validUtf8(const Block& bits, const char* block, const char* end,
                                             unsigned& stop) noexcept {
  const std::uint64_t continuations = bits.continuations();
  const std::uint64_t three = bits.leadsOfThree();  // and of more
  const std::uint64_t four = bits.leadsOfFour();
  std::uint64_t leads = bits.high() & ~continuations & lowBits(stop);
  if (stop == kStringBlock) {
    constexpr std::uint64_t kLast = std::uint64_t{1} << (kStringBlock - 1);
    const std::uint64_t crossing = leads & (kLast | (three & kLast >> 1) | (four & kLast >> 2));
    if (crossing != 0) {
      stop = lowestBit(crossing);
      leads &= lowBits(stop);
    }
  }
  const std::uint64_t wanted = leads << 1 | (leads & three) << 2 | (leads & four) << 3;
  if (wanted != (continuations & lowBits(stop))) return false;
  // The lengths are right; what is left are overlong forms, surrogates, and bytes that lead
  // nothing.
  for (std::uint64_t odd = leads & bits.leadsToCheck(); odd != 0; odd &= odd - 1) {
    const char* const lead = block + lowestBit(odd);
    if (utf8SequenceSize(lead, static_cast<std::size_t>(end - lead)) == 0) return false;
  }
  return true;
}

// `p` stands between two characters of a string. The result does, too: it is the closing quote, or
// a place in [p, end) up to which everything is good and from where on the caller goes on byte by
// byte, because fewer than 64 bytes are left or because there is a fault within the next 64.
//
// `Block` is 64 bytes at `p`, and answers with a bit per byte; byte 0 is the lowest bit. A block
// is judged on its own: it begins between two characters, and ends early when it cuts one.
template <class Block>
[[gnu::always_inline]] inline const char* skipTextBlocks(const char* p, const char* end) noexcept {
  while (end - p >= static_cast<std::ptrdiff_t>(kStringBlock)) {
    const Block bits(p);
    if (bits.allPlain()) {
      p += kStringBlock;
      continue;
    }
    const std::uint64_t quotes = bits.quotes();
    BlockStop stop = findStop(p, quotes, bits.backslashes());
    const std::uint64_t others = bits.controlsAndHigh() & lowBits(stop.at);
    if (others != 0) {
      if ((others & ~bits.high()) != 0) return p;
      if (!validUtf8(bits, p, end, stop.at)) return p;
    }
    p += stop.at;
    if (stop.unicode_escape) {
      std::size_t taken = unicodeEscape(p, end).taken;
      if (taken == 0) return p;
      do {  // text that is written so comes in runs
        p += taken;
        taken = unicodeEscape(p, end).taken;
      } while (taken != 0);
    } else if (stop.at < kStringBlock && *p == '"') {
      return p;
    }
  }
  return p;
}

}  // namespace agw
