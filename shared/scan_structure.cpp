// What stands between the strings, numbers and words of a scanned body. Tokens that stand whole in
// the piece are taken here at once; the others are begun here and read by their own states.
#include <cstring>

#include "shared/body_scanner.h"
#include "shared/number_skip.h"
#include "shared/string_skip.h"

namespace agw {
namespace {

// Longer strings are better read in blocks; most keys, roles and types are shorter.
constexpr std::ptrdiff_t kShortString = 16;

constexpr bool isSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
constexpr bool isDigit(char c) { return c >= '0' && c <= '9'; }

// The end of the plain text at `p`, the byte after a quote; a long text is not read to its end.
const char* skipShortText(const char* p, const char* end) noexcept {
  if (p != end && *p == '"') return p;
  return skipPlainString(p, end - p > kShortString ? p + kShortString : end);
}

// The end of the word at `p`; nullptr: another one, or cut.
const char* skipWord(const char* p, const char* end, std::string_view word) noexcept {
  const bool same = end - p >= static_cast<std::ptrdiff_t>(word.size()) &&
                    std::memcmp(p, word.data(), word.size()) == 0;
  return same ? p + word.size() : nullptr;
}

// The end of the number or word at `p`; nullptr: cut, or bad.
const char* skipScalar(const char* p, const char* end) noexcept {
  switch (*p) {
    case 't':
      return skipWord(p, end, "true");
    case 'f':
      return skipWord(p, end, "false");
    case 'n':
      return skipWord(p, end, "null");
    default:
      return skipNumber(p, end);
  }
}

}  // namespace

// One label a state: where the program stands is the state, and state_ only says where to go on
// after the end of a piece.
const char* BodyScanner::scanStructure(const char* p, const char* end) noexcept {
  // Enters a state and goes to its first byte; false at the end of the piece.
  const auto enter = [&](State state) {
    state_ = state;
    while (p != end && isSpace(*p)) ++p;
    return p != end;
  };
  // Copies that the compiler can keep in registers; the members are only written.
  unsigned depth = depth_;
  std::uint64_t nesting = nesting_;
  const auto nest = [&](unsigned new_depth, std::uint64_t new_nesting) {
    depth = new_depth;
    nesting = new_nesting;
    depth_ = static_cast<std::uint8_t>(depth);
    nesting_ = nesting;
  };
  switch (state_) {
    case State::KeyOrEnd:
      goto key_or_end;
    case State::Key:
      goto key;
    case State::Colon:
      goto colon;
    case State::ElementOrEnd:
      goto element_or_end;
    case State::Value:
      goto value;
    default:
      goto after_value;
  }

key_or_end:
  if (!enter(State::KeyOrEnd)) return p;
  if (*p == '}') goto close;
  goto key_begin;

key:
  if (!enter(State::Key)) return p;
key_begin:
  if (*p != '"') return failJson(p, Fault::Syntax);
  p = scanKey(p, end);
  if (state_ != State::Colon) return p;

colon:
  if (!enter(State::Colon)) return p;
  if (*p != ':') return failJson(p, Fault::Syntax);
  ++p;

value:
  if (!enter(State::Value)) return p;
value_begin:
  if (depth == 1 && member_ != Member::Other) return beginValue(p);
  if (*p == '"') {
    const char* const stop = skipShortText(p + 1, end);
    if (stop == end || *stop != '"') {
      beginString(p, Capture::None);
      return stop;
    }
    p = stop + 1;
    goto after_value;
  }
  if (*p == '{') {
    if (depth == kMaxDepth) return fail(p, ScanStatus::TooDeep);
    nest(depth + 1, nesting << 1 | 1U);
    ++p;
    goto key_or_end;
  }
  if (*p == '[') {
    if (depth == kMaxDepth) return fail(p, ScanStatus::TooDeep);
    nest(depth + 1, nesting << 1);
    ++p;
    goto element_or_end;
  }
  {
    const char* const after = skipScalar(p, end);
    if (after == nullptr) return beginValue(p);
    p = after;
  }

after_value:
  if (!enter(State::AfterValue)) return p;
  if (*p == ',') {
    ++p;
    if ((nesting & 1U) != 0) goto key;
    goto value;
  }
  if (*p != ((nesting & 1U) != 0 ? '}' : ']')) return failJson(p, Fault::Syntax);
close:
  nest(depth - 1, nesting >> 1);
  ++p;
  if (depth != 0) goto after_value;
  state_ = State::AfterObject;
  return p;

element_or_end:
  if (!enter(State::ElementOrEnd)) return p;
  if (*p == ']') goto close;
  goto value_begin;
}

const char* BodyScanner::scanKey(const char* p, const char* end) noexcept {
  const char* const text = p + 1;
  const char* const stop = skipShortText(text, end);
  const bool whole = stop != end && *stop == '"';
  if (depth_ != 1) {
    if (!whole) {
      in_key_ = true;
      beginString(p, Capture::None);
      return stop;
    }
  } else {
    if (!whole) return beginKey(p);
    endKey({text, static_cast<std::size_t>(stop - text)});
    if (state_ == State::Failed) return stop;
  }
  state_ = State::Colon;
  return stop + 1;
}

const char* BodyScanner::beginValue(const char* p) noexcept {
  const char c = *p;
  const bool literal = c == 't' || c == 'f' || c == 'n';
  // A value of the wrong type is refused at its first byte; a byte that starts no value is bad
  // JSON.
  if (depth_ == 1 && member_ != Member::Other &&
      (literal || c == '"' || c == '{' || c == '[' || c == '-' || isDigit(c))) {
    const bool is_null = c == 'n';
    if (isWatched(Member::Model) && c != '"') return fail(p, ScanStatus::ModelNotString);
    if (isWatched(Member::Stream) && !literal) return fail(p, ScanStatus::StreamNotBool);
    if (isWatched(Member::User) && c != '"' && !is_null) return fail(p, ScanStatus::UserNotString);
    if (isMaxTokens() && !isDigit(c) && !is_null) return fail(p, ScanStatus::MaxTokensNotInteger);
  }
  switch (c) {
    case '"': {
      Capture capture = Capture::None;
      if (isWatched(Member::Model)) capture = Capture::Model;
      if (isWatched(Member::User)) capture = Capture::User;
      return beginString(p, capture);
    }
    case 't':
    case 'f':
    case 'n':
      literal_ = c == 't' ? Word::True : c == 'f' ? Word::False : Word::Null;
      progress_ = 1;
      state_ = State::Literal;
      return p + 1;
    case '-':
      state_ = State::NumberMinus;
      return p + 1;
    default:
      if (!isDigit(c)) return failJson(p, Fault::Syntax);
      number_ = static_cast<std::uint64_t>(c - '0');
      state_ = c == '0' ? State::NumberZero : State::NumberDigits;
      return p + 1;
  }
}

}  // namespace agw
