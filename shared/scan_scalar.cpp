// The numbers of a scanned body and its words true, false and null.
#include <algorithm>
#include <limits>

#include "shared/body_scanner.h"

namespace agw {
namespace {

// In the order of BodyScanner::Word.
constexpr std::string_view kWords[] = {"true", "false", "null"};

constexpr bool isDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

const char* BodyScanner::scanLiteral(const char* p, const char* end) noexcept {
  const std::string_view word = kWords[static_cast<std::size_t>(literal_)];
  while (p != end && progress_ < word.size()) {
    if (*p != word[progress_]) return failJson(p, Fault::Syntax);
    ++p;
    ++progress_;
  }
  if (progress_ == word.size()) {
    state_ = State::AfterValue;
    if (isWatched(Member::Stream)) stream_ = literal_ == Word::True;
  }
  return p;
}

const char* BodyScanner::scanNumber(const char* p, const char* end) noexcept {
  const char c = *p;
  switch (state_) {
    case State::NumberMinus:
      if (!isDigit(c)) return failJson(p, Fault::BadNumber);
      state_ = c == '0' ? State::NumberZero : State::NumberDigits;
      return p + 1;
    case State::NumberPoint:
      if (!isDigit(c)) return failJson(p, Fault::BadNumber);
      state_ = State::NumberFraction;
      return p + 1;
    case State::NumberExponent:
      if (c == '+' || c == '-') {
        state_ = State::NumberExponentSign;
        return p + 1;
      }
      [[fallthrough]];
    case State::NumberExponentSign:
      if (!isDigit(c)) return failJson(p, Fault::BadNumber);
      state_ = State::NumberExponentDigits;
      return p + 1;
    case State::NumberZero:
      if (isDigit(c)) return failJson(p, Fault::BadNumber);
      break;
    default:  // the states that take any count of digits
      p = scanDigits(p, end);
      if (p == end) return p;
  }
  return endDigits(p);
}

// Digits up to the next other byte; those of a token limit are counted.
const char* BodyScanner::scanDigits(const char* p, const char* end) noexcept {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  const bool wanted = state_ == State::NumberDigits && isMaxTokens();
  while (p != end && isDigit(*p)) {
    if (wanted) {
      const auto digit = static_cast<std::uint64_t>(*p - '0');
      number_ = number_ > (kMax - digit) / 10 ? kMax : number_ * 10 + digit;
    }
    ++p;
  }
  return p;
}

// The byte after a run of digits.
const char* BodyScanner::endDigits(const char* p) noexcept {
  const bool is_integer = state_ == State::NumberZero || state_ == State::NumberDigits;
  const bool is_point = *p == '.' && is_integer;
  const bool is_exponent =
      (*p == 'e' || *p == 'E') && (is_integer || state_ == State::NumberFraction);
  if (is_point || is_exponent) {
    if (isMaxTokens()) return fail(p, ScanStatus::MaxTokensNotInteger);
    state_ = is_point ? State::NumberPoint : State::NumberExponent;
    return p + 1;
  }
  if (isMaxTokens()) {
    max_tokens_ = std::max(max_tokens_, number_);
    has_max_tokens_ = true;
  }
  state_ = State::AfterValue;
  return p;
}

}  // namespace agw
