// Most chunks of a stream differ from the one before in nothing but their text, and with some
// servers in one more string (a padding). Such a chunk needs no look of its own: its bytes
// around these strings are known, and only the strings are checked. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace agw::protocol {

class ChunkShape {
 public:
  // A string of the learned chunk that may differ in the next one.
  struct Gap {
    std::string_view in_json;  // with its quotes
    std::size_t in_rest = 0;   // where it begins in what goes out
  };

  // A clean chunk `json` and what goes out for it. `padding` comes after `text` in both; where it
  // is empty there is none.
  void learn(std::string_view json, std::string_view rest, Gap text, Gap padding);
  void forget() { known_ = false; }

  // Whether `json` is the same chunk but for the gaps.
  bool matches(std::string_view json);
  // Of the chunk that has matched: its text, with its quotes, and what goes out for it. The one is
  // a view into the chunk, the other is valid until the next call.
  std::string_view text() const { return values_[0]; }
  std::string_view rest();

 private:
  bool known_ = false;
  std::size_t gaps_ = 0;
  std::array<std::string, 3> json_;  // before, between and behind the gaps
  std::array<std::string, 3> rest_;
  std::array<std::string_view, 2> values_;
  std::string out_;
};

}  // namespace agw::protocol
