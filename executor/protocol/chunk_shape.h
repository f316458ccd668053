// Most chunks of a stream differ from the one before in nothing but the text of their content. Such
// a chunk needs no look of its own: its bytes around that text are known, and only the text is
// checked. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace agw::protocol {

class ChunkShape {
 public:
  // A clean chunk `json` whose content is `content`, with its quotes, and what goes out for it;
  // `content_in_rest` is where the content begins there.
  void learn(std::string_view json, std::string_view content, std::string_view rest,
             std::size_t content_in_rest);
  void forget() { known_ = false; }

  // The content, with its quotes, when `json` is the same chunk but for that; else nothing.
  std::string_view contentOf(std::string_view json) const;
  // What goes out for such a chunk; valid until the next call.
  std::string_view restWith(std::string_view content);

 private:
  bool known_ = false;
  std::string before_;  // of the chunk's text, up to the content
  std::string after_;   // behind it
  std::string rest_;
  std::size_t rest_before_ = 0;  // bytes of it that come before the content
  std::string rest_after_;
};

}  // namespace agw::protocol
