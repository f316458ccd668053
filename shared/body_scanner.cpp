#include "shared/body_scanner.h"

#include <type_traits>

namespace agw {

static_assert(std::is_trivially_copyable_v<BodyScanner> && sizeof(BodyScanner) <= 800);

namespace {

constexpr bool isSpace(unsigned char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
constexpr bool isDigit(unsigned char c) { return c >= '0' && c <= '9'; }

}  // namespace

ScanStatus BodyScanner::feed(const char* data, std::size_t size) noexcept {
  bytes_seen_ += size;
  const char* p = data;
  const char* const end = data + size;
  while (p != end && state_ != State::Failed) p = step(p, end);
  return status_;
}

ScanStatus BodyScanner::finish() noexcept {
  if (status_ != ScanStatus::InProgress) return status_;
  if (bytes_seen_ == 0) {
    status_ = ScanStatus::Empty;
  } else if (state_ != State::AfterObject) {
    failJson(nullptr, Fault::Truncated);
  } else if ((seen_ & 1U << static_cast<unsigned>(Member::Model)) == 0) {
    status_ = ScanStatus::ModelMissing;
  } else {
    status_ = ScanStatus::Done;
  }
  return status_;
}

// Takes at least one byte, or leads to a state that does, or fails.
const char* BodyScanner::step(const char* p, const char* end) noexcept {
  const auto c = static_cast<unsigned char>(*p);
  switch (state_) {
    case State::Start:
    case State::BomSecond:
    case State::BomThird:
      return scanStart(p);
    case State::KeyOrEnd:
    case State::Key:
    case State::Colon:
    case State::Value:
    case State::ElementOrEnd:
    case State::AfterValue:
      return scanStructure(p, end);
    case State::String:
      return scanString(p, end);
    case State::StringUtf8:
      return scanUtf8(p);
    case State::StringEscape:
      return scanEscape(p);
    case State::StringHex:
      return scanHex(p);
    case State::StringLowBackslash:
      if (c != '\\') return failJson(p, Fault::LoneSurrogate);
      state_ = State::StringLowU;
      return p + 1;
    case State::StringLowU:
      if (c != 'u') return failJson(p, Fault::LoneSurrogate);
      state_ = State::StringHex;
      progress_ = 0;
      code_unit_ = 0;
      return p + 1;
    case State::Literal:
      return scanLiteral(p, end);
    case State::AfterObject:
      return isSpace(c) ? p + 1 : failJson(p, Fault::TrailingBytes);
    case State::Failed:
      return end;
    default:
      return scanNumber(p, end);
  }
}

const char* BodyScanner::scanStart(const char* p) noexcept {
  const auto c = static_cast<unsigned char>(*p);
  if (state_ == State::BomSecond) {
    if (c != 0xBB) return failJson(p, Fault::Syntax);
    state_ = State::BomThird;
    return p + 1;
  }
  if (state_ == State::BomThird) {
    return c == 0xBF ? fail(p, ScanStatus::Bom) : failJson(p, Fault::Syntax);
  }
  switch (c) {
    case ' ':
    case '\t':
    case '\n':
    case '\r':
      return p + 1;
    case '{':
      depth_ = 1;
      nesting_ = 1;
      state_ = State::KeyOrEnd;
      return p + 1;
    case 0xEF:
      state_ = State::BomSecond;
      return p + 1;
    case 0xFE:  // UTF-16, either order
    case 0xFF:
      return fail(p, ScanStatus::Bom);
    default: {
      const bool other_value =
          c == '[' || c == '"' || c == '-' || isDigit(c) || c == 't' || c == 'f' || c == 'n';
      return other_value ? fail(p, ScanStatus::NotAnObject) : failJson(p, Fault::Syntax);
    }
  }
}

const char* BodyScanner::fail(const char* p, ScanStatus status) noexcept {
  status_ = status;
  state_ = State::Failed;
  return p;
}

const char* BodyScanner::failJson(const char* p, Fault fault) noexcept {
  fault_ = fault;
  return fail(p, ScanStatus::InvalidJson);
}

std::string_view BodyScanner::model() const noexcept { return {model_.data(), model_size_}; }
bool BodyScanner::stream() const noexcept { return stream_; }
bool BodyScanner::hasMaxTokens() const noexcept { return has_max_tokens_; }
std::uint64_t BodyScanner::maxTokens() const noexcept { return max_tokens_; }
std::string_view BodyScanner::user() const noexcept { return {user_.data(), user_size_}; }
std::uint64_t BodyScanner::bytesSeen() const noexcept { return bytes_seen_; }

}  // namespace agw
