// A strict look over JSON text that others wrote: whole values are checked and skipped, and what is
// wanted of them stays a view into the text. For the path of every streamed piece, where a tree
// would cost ten times as much, and for text that a parser refuses as a whole: broken UTF-8, halves
// of surrogate pairs and raw control characters inside strings are noted, not refused.
#pragma once

#include <cstdint>
#include <string_view>

namespace agw {

class JsonCursor {
 public:
  // Deeper text is a fault.
  static constexpr unsigned kMaxDepth = 64;

  explicit JsonCursor(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  // The next character that is no white space; NUL at the end of the text and after a fault.
  char peek() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
    return at_ == end_ ? '\0' : *at_;
  }
  const char* at() const { return at_; }

  // Each goes behind what it reads and gives its text; false is a fault, after which the cursor
  // stays where it is.
  bool value(std::string_view& raw);   // any value
  bool string(std::string_view& raw);  // with its quotes

  // Calls member(std::string_view key, JsonCursor&) for every member of the object that comes next;
  // `key` has its quotes, and the call must take the value. False is a fault.
  template <class Member>
  bool object(Member&& member) {
    if (!enter('{')) return false;
    if (peek() == '}') return leave();
    for (;;) {
      std::string_view key;
      if (peek() != '"' || !string(key) || !take(':')) return fault();
      if (!member(key, *this)) return fault();
      if (peek() != ',') return peek() == '}' ? leave() : fault();
      ++at_;
    }
  }
  // The same for the elements of an array: element(JsonCursor&).
  template <class Element>
  bool array(Element&& element) {
    if (!enter('[')) return false;
    if (peek() == ']') return leave();
    for (;;) {
      if (!element(*this)) return fault();
      if (peek() != ',') return peek() == ']' ? leave() : fault();
      ++at_;
    }
  }

  // After a fault: whether the text only stops too early.
  bool isCut() const { return cut_; }
  // What the strings so far held. Bytes beyond ASCII need a check (isUtf8).
  bool hasHighBytes() const { return (high_bytes_ & 0x8080808080808080u) != 0; }
  bool hasHalfPair() const { return half_pair_; }
  bool hasControl() const { return control_; }

 private:
  bool take(char expected) {
    if (peek() != expected) return fault();
    ++at_;
    return true;
  }
  bool enter(char open) {
    if (peek() != open || depth_ == kMaxDepth) return fault();
    ++depth_;
    ++at_;
    return true;
  }
  bool leave() {
    --depth_;
    ++at_;
    return true;
  }
  bool fault() {
    cut_ = cut_ || at_ == end_;
    return false;
  }
  bool skipString();
  bool skipEscape();
  bool hexDigits(unsigned& unit);
  bool skipNumber();
  bool skipDigits();
  bool skipWord(std::string_view word);
  bool skipValue();

  const char* at_;
  const char* end_;
  std::uint64_t high_bytes_ = 0;  // all words that were looked at, or-ed
  unsigned depth_ = 0;
  bool half_pair_ = false;
  bool control_ = false;
  bool cut_ = false;
};

}  // namespace agw
