// The text of one field that comes in pieces, when a character may be cut between two of them: the
// bytes of a UTF-8 sequence, or the two escapes of a surrogate pair. Pure.
#pragma once

#include <string>
#include <string_view>

namespace agw::protocol {

class TextJoiner {
 public:
  // Appends what the next piece means, whole characters only: the start of one that the piece ends
  // with is kept for the next. `quoted` is a JSON string that a JsonCursor has accepted. True: the
  // bytes between its quotes mean just that, so that they can be passed on.
  bool add(std::string_view quoted, bool is_clean, std::string& out);
  // There is no further piece: U+FFFD for half a character, or nothing.
  std::string_view flush();
  bool holdsBack() const { return !held_.empty(); }

 private:
  std::string held_;
};

}  // namespace agw::protocol
