#include "protocol/text_joiner.h"

#include <utility>

#include "base/json_text.h"

namespace agw::protocol {

bool TextJoiner::add(std::string_view quoted, bool is_clean, std::string& out) {
  if (is_clean && held_.empty()) {
    appendUnescaped(out, quoted);
    return true;
  }
  std::string bytes = std::exchange(held_, {});
  appendUnescaped(bytes, quoted);
  out += cleanUtf8(bytes, &held_);
  return false;
}

std::string_view TextJoiner::flush() {
  if (held_.empty()) return {};
  held_.clear();
  return "\xEF\xBF\xBD";
}

}  // namespace agw::protocol
