#include <cstddef>

#include "base/json_reader.h"
#include "shared/utf8.h"

namespace agw {
namespace {

void appendControl(std::string& out, unsigned char c) {
  constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    default:
      break;
  }
  out += "\\u00";
  out += kHex[c >> 4];
  out += kHex[c & 0xF];
}

}  // namespace

std::string dumpJson(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void appendJsonString(std::string& out, std::string_view text) {
  out.reserve(out.size() + text.size() + 2);
  out += '"';
  std::size_t clean = 0;  // start of the bytes that go out as they are
  std::size_t at = 0;
  while (at < text.size()) {
    const auto c = static_cast<unsigned char>(text[at]);
    std::size_t taken = 1;
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
      ++at;
      continue;
    }
    if (c >= 0x80) {
      if (const std::size_t size = utf8SequenceSize(text.data() + at, text.size() - at, &taken)) {
        at += size;
        continue;
      }
    }
    out.append(text, clean, at - clean);
    if (c < 0x20) {
      appendControl(out, c);
    } else if (c < 0x80) {
      out += '\\';
      out += text[at];
    } else {
      out += "\xEF\xBF\xBD";
    }
    at += taken;
    clean = at;
  }
  out.append(text, clean, std::string_view::npos);
  out += '"';
}

}  // namespace agw
