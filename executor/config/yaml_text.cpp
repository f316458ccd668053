#include "config/yaml_text.h"

#include <algorithm>

#include "config/yaml_document.h"
#include "shared/utf8.h"

namespace agw::config {
namespace {

Place placeAt(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1,
          offset - line_start + 1};
}

bool isAllowedControl(char c) { return c == '\n' || c == '\r' || c == '\t'; }

}  // namespace

bool checkYamlText(std::string_view text, Problems& problems) {
  if (text.size() > kMaxYamlBytes) {
    problems.add({}, "", "the file is larger than 8 MiB");
    return false;
  }
  std::size_t at = 0;
  while (at < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= 0x80) {
      const std::size_t size = utf8SequenceSize(text.data() + at, text.size() - at);
      if (size == 0) {
        problems.add(placeAt(text, at), "", "a byte that is not UTF-8; save the file as UTF-8");
        return false;
      }
      at += size;
      continue;
    }
    if (byte == 0) {
      problems.add(placeAt(text, at), "", "a NUL byte; the file must be UTF-8 text");
      return false;
    }
    if ((byte < 0x20 && !isAllowedControl(text[at])) || byte == 0x7F) {
      problems.add(placeAt(text, at), "", "a control character; remove it");
      return false;
    }
    ++at;
  }
  return true;
}

}  // namespace agw::config
