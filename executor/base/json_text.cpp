#include "base/json_text.h"

#include <cstdint>
#include <cstring>

#include "base/json_cursor.h"
#include "base/json_reader.h"
#include "shared/utf8.h"

namespace agw {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

unsigned char byteAt(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

// A half of a surrogate pair in the three bytes that UTF-8 would have for it.
bool isHalf(std::string_view text, unsigned char from, unsigned char to) {
  return text.size() >= 3 && byteAt(text, 0) == 0xED && byteAt(text, 1) >= from &&
         byteAt(text, 1) <= to && (byteAt(text, 2) & 0xC0) == 0x80;
}
bool isFirstHalf(std::string_view text) { return isHalf(text, 0xA0, 0xAF); }
bool isSecondHalf(std::string_view text) { return isHalf(text, 0xB0, 0xBF); }

unsigned tenBits(std::string_view half) {
  return (byteAt(half, 1) & 0x0Fu) << 6 | (byteAt(half, 2) & 0x3Fu);
}

void appendCodePoint(std::string& out, char32_t code_point) {
  char bytes[4];
  out.append(bytes, encodeUtf8(code_point, bytes));
}

// Four digits that a JsonCursor has seen.
unsigned hexUnit(const char* digits) {
  unsigned unit = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = digits[i];
    unit = unit * 16 + static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return unit;
}

// The escape at `at`; returns how many bytes it has.
std::size_t appendEscape(std::string& out, std::string_view text, std::size_t at) {
  switch (text[at + 1]) {
    case 'b':
      out += '\b';
      return 2;
    case 'f':
      out += '\f';
      return 2;
    case 'n':
      out += '\n';
      return 2;
    case 'r':
      out += '\r';
      return 2;
    case 't':
      out += '\t';
      return 2;
    case 'u':
      break;
    default:
      out += text[at + 1];
      return 2;
  }
  const unsigned first = hexUnit(text.data() + at + 2);
  const bool may_pair = first >= 0xD800 && first <= 0xDBFF && text.size() - at >= 12 &&
                        text[at + 6] == '\\' && text[at + 7] == 'u';
  const unsigned second = may_pair ? hexUnit(text.data() + at + 8) : 0;
  if (second < 0xDC00 || second > 0xDFFF) {
    appendCodePoint(out, first);
    return 6;
  }
  appendCodePoint(out, 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00));
  return 12;
}

// Whether more bytes could make a character, or a pair, of `rest`.
bool mayGoOn(std::string_view rest, std::size_t valid_prefix) {
  if (isFirstHalf(rest)) return rest.size() == 3;
  Utf8Sequence sequence;
  return valid_prefix == rest.size() && sequence.start(byteAt(rest, 0));
}

}  // namespace

bool isUtf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::uint64_t word = 0;
    if (text.size() - at >= sizeof(word)) {
      std::memcpy(&word, text.data() + at, sizeof(word));
      if ((word & 0x8080808080808080u) == 0) {
        at += sizeof(word);
        continue;
      }
    }
    if (byteAt(text, at) < 0x80) {
      ++at;
      continue;
    }
    const std::size_t size = utf8SequenceSize(text.data() + at, text.size() - at);
    if (size == 0) return false;
    at += size;
  }
  return true;
}

void appendUnescaped(std::string& out, std::string_view quoted) {
  const std::string_view text = quoted.substr(1, quoted.size() - 2);
  std::size_t at = 0;
  for (;;) {
    const std::size_t escape = text.find('\\', at);
    out.append(text, at, escape - at);
    if (escape == std::string_view::npos) return;
    at = escape + appendEscape(out, text, escape);
  }
}

std::string cleanUtf8(std::string_view text, std::string* tail) {
  std::string out;
  out.reserve(text.size());
  std::size_t at = 0;
  while (at < text.size()) {
    if (byteAt(text, at) < 0x80) {
      out += text[at++];
      continue;
    }
    const std::string_view rest = text.substr(at);
    std::size_t taken = 1;
    if (const std::size_t size = utf8SequenceSize(rest.data(), rest.size(), &taken)) {
      out.append(rest, 0, size);
      at += size;
    } else if (isFirstHalf(rest) && isSecondHalf(rest.substr(3))) {
      appendCodePoint(out, 0x10000 + (tenBits(rest) << 10) + tenBits(rest.substr(3)));
      at += 6;
    } else if (tail != nullptr && mayGoOn(rest, taken)) {
      *tail = rest;
      break;
    } else {
      out += kReplacement;
      at += isFirstHalf(rest) || isSecondHalf(rest) ? 3 : taken;
    }
  }
  return out;
}

void appendCleanJson(std::string& out, std::string_view json) {
  std::size_t at = 0;
  for (;;) {
    const std::size_t quote = json.find('"', at);
    for (const char c : json.substr(at, quote - at)) out += c == '\n' || c == '\r' ? ' ' : c;
    if (quote == std::string_view::npos) return;
    JsonCursor cursor(json.substr(quote));
    std::string_view string;
    if (!cursor.string(string)) return;
    const bool good = !cursor.hasHalfPair() && !cursor.hasControl() && isUtf8(string);
    if (good) {
      out.append(string);
    } else {
      std::string meant;
      appendUnescaped(meant, string);
      appendJsonString(out, cleanUtf8(meant));
    }
    at = quote + string.size();
  }
}

}  // namespace agw
