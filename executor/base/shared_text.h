// Text that several owners keep at once, such as a request that may be sent again: handing it on
// copies no byte. Immutable, and so for all threads.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace agw {

class SharedText {
 public:
  SharedText() = default;
  // Implicit, because it is what a std::string is assigned to.
  SharedText(std::string text) : text_(std::make_shared<const std::string>(std::move(text))) {}
  SharedText(const char* text) : SharedText(std::string(text)) {}

  std::string_view view() const { return text_ ? std::string_view(*text_) : std::string_view(); }
  bool empty() const { return view().empty(); }
  std::size_t size() const { return view().size(); }

  friend bool operator==(const SharedText& text, std::string_view other) {
    return text.view() == other;
  }

 private:
  std::shared_ptr<const std::string> text_;
};

}  // namespace agw
