// Slicing of text that parseJson has accepted: no check beyond staying inside it.
#include <cstring>

#include "base/json_reader.h"

namespace agw {
namespace {

bool isSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

class Slicer {
 public:
  explicit Slicer(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  // The next character that is no white space; NUL at the end of the text, as no JSON text holds
  // one.
  char peek() {
    while (at_ != end_ && isSpace(*at_)) ++at_;
    return at_ == end_ ? '\0' : *at_;
  }

  bool take(char expected) {
    if (peek() != expected) return false;
    ++at_;
    return true;
  }

  // A string with its quotes; the position is on the opening one.
  std::string_view string() {
    const char* const start = at_;
    skipString();
    return slice(start);
  }

  // Any value; the position is on its first character.
  std::string_view value() {
    const char* const start = at_;
    if (at_ == end_) return {};
    switch (*at_) {
      case '"':
        skipString();
        break;
      case '{':
      case '[':
        skipContainer();
        break;
      default:
        while (at_ != end_ && !isSpace(*at_) && *at_ != ',' && *at_ != ']' && *at_ != '}') ++at_;
    }
    return slice(start);
  }

 private:
  std::string_view slice(const char* start) const {
    return {start, static_cast<std::size_t>(at_ - start)};
  }

  void skipString() {
    ++at_;
    while (at_ != end_) {
      const char* const quote =
          static_cast<const char*>(std::memchr(at_, '"', static_cast<std::size_t>(end_ - at_)));
      if (quote == nullptr) {
        at_ = end_;
        return;
      }
      // An even number of backslashes before it leaves the quote itself unescaped.
      const char* before = quote;
      while (before != at_ && before[-1] == '\\') --before;
      at_ = quote + 1;
      if ((quote - before) % 2 == 0) return;
    }
  }

  void skipContainer() {
    std::size_t depth = 0;
    while (at_ != end_) {
      switch (*at_) {
        case '"':
          skipString();
          continue;
        case '{':
        case '[':
          ++depth;
          break;
        case '}':
        case ']':
          --depth;
          break;
        default:
          break;
      }
      ++at_;
      if (depth == 0) return;
    }
  }

  const char* at_;
  const char* end_;
};

std::string unescapedKey(std::string_view quoted) {
  const std::string_view inner = quoted.size() < 2 ? "" : quoted.substr(1, quoted.size() - 2);
  if (inner.find('\\') == std::string_view::npos) return std::string(inner);
  Json key = Json::parse(quoted, nullptr, /*allow_exceptions=*/false);
  return key.is_string() ? std::move(key.get_ref<std::string&>()) : std::string(inner);
}

}  // namespace

std::vector<RawMember> splitObject(std::string_view object) {
  std::vector<RawMember> members;
  Slicer slicer(object);
  if (!slicer.take('{')) return members;
  while (slicer.peek() == '"') {
    const std::string_view name = slicer.string();
    if (!slicer.take(':') || slicer.peek() == '\0') break;
    members.push_back({unescapedKey(name), slicer.value(), name});
    if (!slicer.take(',')) break;
  }
  return members;
}

std::vector<std::string_view> splitArray(std::string_view array) {
  std::vector<std::string_view> elements;
  Slicer slicer(array);
  if (!slicer.take('[') || slicer.peek() == ']') return elements;
  while (slicer.peek() != '\0') {
    elements.push_back(slicer.value());
    if (!slicer.take(',')) break;
  }
  return elements;
}

}  // namespace agw
