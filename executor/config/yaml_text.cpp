#include "config/yaml_text.h"

#include <algorithm>
#include <charconv>

#include "config/yaml_document.h"
#include "shared/utf8.h"

namespace agw::config {
namespace {

Place placeAt(std::string_view text, std::size_t offset, std::size_t file) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1,
          offset - line_start + 1, file};
}

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool isUtf16(std::string_view text) {
  return text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF");
}

// The number behind "\u" at `at`; 0 when there is none.
unsigned escapedUnit(std::string_view text, std::size_t at) {
  unsigned unit = 0;
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return 0;
  const auto [end, failed] = std::from_chars(text.data() + at + 2, text.data() + at + 6, unit, 16);
  return failed == std::errc() && end == text.data() + at + 6 ? unit : 0;
}

bool isAllowedControl(char c) { return c == '\n' || c == '\r' || c == '\t'; }

}  // namespace

bool checkYamlText(std::string_view text, std::size_t file, Problems& problems) {
  if (text.size() > kMaxYamlBytes) {
    problems.add({0, 0, file}, "", "the file is larger than 8 MiB");
    return false;
  }
  if (isUtf16(text)) {
    problems.add({0, 0, file}, "", "the file is UTF-16; save it as UTF-8");
    return false;
  }
  std::size_t at = 0;
  while (at < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= 0x80) {
      const std::size_t size = utf8SequenceSize(text.data() + at, text.size() - at);
      if (size == 0) {
        problems.add(placeAt(text, at, file), "",
                     "a byte that is not UTF-8; save the file as UTF-8");
        return false;
      }
      if (at > 0 && text.substr(at, size) == kByteOrderMark) {
        problems.add(placeAt(text, at, file), "", "a byte order mark inside the file; remove it");
        return false;
      }
      at += size;
      continue;
    }
    if (byte == 0) {
      problems.add(placeAt(text, at, file), "", "a NUL byte; the file must be UTF-8 text");
      return false;
    }
    if ((byte < 0x20 && !isAllowedControl(text[at])) || byte == 0x7F) {
      problems.add(placeAt(text, at, file), "", "a control character; remove it");
      return false;
    }
    ++at;
  }
  return true;
}

std::string joinJsonSurrogates(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t at = 0;
  while (at < text.size()) {
    const unsigned high = escapedUnit(text, at);
    const unsigned low = high >= 0xD800 && high < 0xDC00 ? escapedUnit(text, at + 6) : 0;
    if (low >= 0xDC00 && low < 0xE000) {
      const unsigned point = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
      out += static_cast<char>(0xF0 | (point >> 18));
      out += static_cast<char>(0x80 | ((point >> 12) & 0x3F));
      out += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
      out += static_cast<char>(0x80 | (point & 0x3F));
      at += 12;
      continue;
    }
    // What a backslash escapes is no beginning of an escape itself.
    const std::size_t size = text[at] == '\\' && at + 1 < text.size() ? 2 : 1;
    out += text.substr(at, size);
    at += size;
  }
  return out;
}

}  // namespace agw::config
