#include "protocol/arguments_progress.h"

namespace agw::protocol {

std::uint64_t ArgumentsProgress::hash(std::uint64_t from, std::string_view piece) {
  for (const char c : piece) from = (from ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return from;
}

void ArgumentsProgress::add(std::string_view piece) {
  size_ += piece.size();
  hash_ = hash(hash_, piece);
  for (const char c : piece) {
    if (in_string_) {
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        in_string_ = false;
      }
      continue;
    }
    switch (c) {
      case ' ':
      case '\n':
      case '\r':
      case '\t':
        continue;
      case '"':
        in_string_ = true;
        break;
      case '{':
      case '[':
        ++depth_;
        break;
      case '}':
      case ']':
        if (depth_ > 0) --depth_;
        if (depth_ == 0) complete_ = true;
        break;
      default:
        break;
    }
    begun_ = true;
  }
}

}  // namespace agw::protocol
