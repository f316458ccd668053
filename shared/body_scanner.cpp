#include "shared/body_scanner.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

#include "shared/string_skip.h"

namespace agw {

static_assert(std::is_trivially_copyable_v<BodyScanner> && sizeof(BodyScanner) <= 800);

namespace {

constexpr std::string_view kWatchedKeys[] = {
    "model", "stream", "user", "max_tokens", "max_completion_tokens", "max_output_tokens"};
constexpr std::string_view kLiterals[] = {"true", "false", "null"};
constexpr std::uint8_t kTrue = 0;
constexpr std::uint8_t kFalse = 1;
constexpr std::uint8_t kNull = 2;

constexpr bool isSpace(unsigned char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
constexpr bool isDigit(unsigned char c) { return c >= '0' && c <= '9'; }

// Value of a hex digit, -1 for every other byte.
constexpr auto kHexValues = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (int i = 0; i < 10; ++i)
    values[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(i);
  for (int i = 0; i < 6; ++i) {
    values[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(10 + i);
    values[static_cast<std::size_t>('A' + i)] = static_cast<std::int8_t>(10 + i);
  }
  return values;
}();

constexpr int hexDigit(char c) { return kHexValues[static_cast<unsigned char>(c)]; }

constexpr char32_t joinSurrogates(char32_t high, char32_t low) {
  return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

// The character of a two-character escape; 0: it is none.
constexpr char simpleEscape(unsigned char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return static_cast<char>(c);
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

// The code unit of a \uXXXX that stands whole at `p`, else a negative number.
std::int32_t hexUnit(const char* p, const char* end) noexcept {
  if (end - p < 6 || p[0] != '\\' || p[1] != 'u') return -1;
  const int a = hexDigit(p[2]);
  const int b = hexDigit(p[3]);
  const int c = hexDigit(p[4]);
  const int d = hexDigit(p[5]);
  return (a | b | c | d) < 0 ? -1 : a << 12 | b << 8 | c << 4 | d;
}

struct WholeEscape {
  std::size_t taken;  // 0: cut by the end of the input, or bad; the automaton tells which
  std::size_t size;   // bytes written
};

// The quick way for an escape that stands whole at `p`.
WholeEscape decodeEscape(const char* p, const char* end, char* out) noexcept {
  if (end - p < 2) return {0, 0};
  if (p[1] != 'u') {
    *out = simpleEscape(static_cast<unsigned char>(p[1]));
    return {*out != 0 ? 2U : 0U, 1};
  }
  const std::int32_t first = hexUnit(p, end);
  if (first < 0) return {0, 0};
  if (first < 0xD800 || first > 0xDFFF) return {6, encodeUtf8(static_cast<char32_t>(first), out)};
  if (first > 0xDBFF) return {0, 0};
  const std::int32_t second = hexUnit(p + 6, end);
  if (second < 0xDC00 || second > 0xDFFF) return {0, 0};
  return {
      12,
      encodeUtf8(joinSurrogates(static_cast<char32_t>(first), static_cast<char32_t>(second)), out)};
}

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
      if (isSpace(c)) return p + 1;
      if (c == '"') return beginKey(p);
      if (c == '}' && state_ == State::KeyOrEnd) return close(p);
      return failJson(p, Fault::Syntax);
    case State::Colon:
      if (isSpace(c)) return p + 1;
      if (c != ':') return failJson(p, Fault::Syntax);
      state_ = State::Value;
      return p + 1;
    case State::Value:
    case State::ElementOrEnd:
      if (isSpace(c)) return p + 1;
      if (c == ']' && state_ == State::ElementOrEnd) return close(p);
      return beginValue(p);
    case State::AfterValue:
      if (isSpace(c)) return p + 1;
      if (c == ',') {
        state_ = insideObject() ? State::Key : State::Value;
        return p + 1;
      }
      if (c != (insideObject() ? '}' : ']')) return failJson(p, Fault::Syntax);
      return close(p);
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
      return open(p, true);
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

const char* BodyScanner::beginValue(const char* p) noexcept {
  const auto c = static_cast<unsigned char>(*p);
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
    case '{':
      return open(p, true);
    case '[':
      return open(p, false);
    case 't':
    case 'f':
    case 'n':
      literal_ = c == 't' ? kTrue : c == 'f' ? kFalse : kNull;
      progress_ = 1;
      state_ = State::Literal;
      return p + 1;
    case '-':
      state_ = State::NumberMinus;
      return p + 1;
    default:
      if (!isDigit(c)) return failJson(p, Fault::Syntax);
      number_ = c - '0';
      state_ = c == '0' ? State::NumberZero : State::NumberDigits;
      return p + 1;
  }
}

const char* BodyScanner::open(const char* p, bool object) noexcept {
  if (depth_ == kMaxDepth) return fail(p, ScanStatus::TooDeep);
  const std::uint64_t bit = std::uint64_t{1} << depth_;
  nesting_ = object ? nesting_ | bit : nesting_ & ~bit;
  ++depth_;
  state_ = object ? State::KeyOrEnd : State::ElementOrEnd;
  return p + 1;
}

const char* BodyScanner::close(const char* p) noexcept {
  --depth_;
  state_ = depth_ == 0 ? State::AfterObject : State::AfterValue;
  return p + 1;
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

const char* BodyScanner::beginKey(const char* p) noexcept {
  in_key_ = true;
  key_size_ = 0;
  return beginString(p, depth_ == 1 ? Capture::Key : Capture::None);
}

const char* BodyScanner::beginString(const char* p, Capture capture) noexcept {
  capture_ = capture;
  state_ = State::String;
  return p + 1;
}

const char* BodyScanner::scanString(const char* p, const char* end) noexcept {
  for (;;) {
    const char* const plain = p;
    p = skipPlainString(p, end);
    if (capture_ != Capture::None && !store(plain, static_cast<std::size_t>(p - plain))) return p;
    if (p == end) return p;

    const auto c = static_cast<unsigned char>(*p);
    if (c == '"') {
      endString();
      return p + 1;
    }
    if (c == '\\') {
      char bytes[4];
      const WholeEscape escape = decodeEscape(p, end, bytes);
      if (escape.taken == 0) {
        state_ = State::StringEscape;
        return p + 1;
      }
      if (!store(bytes, escape.size)) return p;
      p += escape.taken;
      continue;
    }
    if (c < 0x20) return failJson(p, Fault::ControlCharacter);

    do {
      const std::size_t whole = utf8SequenceSize(p, static_cast<std::size_t>(end - p));
      if (whole == 0) {
        if (!utf8_.start(static_cast<unsigned char>(*p))) return failJson(p, Fault::BadUtf8);
        sequence_[0] = *p;
        progress_ = 1;
        state_ = State::StringUtf8;
        return p + 1;
      }
      if (!store(p, whole)) return p;
      p += whole;
    } while (p != end && static_cast<unsigned char>(*p) >= 0x80);
  }
}

const char* BodyScanner::scanUtf8(const char* p) noexcept {
  if (!utf8_.next(static_cast<unsigned char>(*p))) return failJson(p, Fault::BadUtf8);
  sequence_[progress_++] = *p;
  if (!utf8_.complete()) return p + 1;
  state_ = State::String;
  return store(sequence_.data(), progress_) ? p + 1 : p;
}

const char* BodyScanner::scanEscape(const char* p) noexcept {
  if (*p == 'u') {
    progress_ = 0;
    code_unit_ = 0;
    state_ = State::StringHex;
    return p + 1;
  }
  const char escaped = simpleEscape(static_cast<unsigned char>(*p));
  if (escaped == 0) return failJson(p, Fault::BadEscape);
  state_ = State::String;
  return store(&escaped, 1) ? p + 1 : p;
}

const char* BodyScanner::scanHex(const char* p) noexcept {
  const int digit = hexDigit(*p);
  if (digit < 0) return failJson(p, Fault::BadEscape);
  code_unit_ = static_cast<std::uint16_t>(code_unit_ << 4 | digit);
  if (++progress_ < 4) return p + 1;
  return takeCodeUnit(code_unit_) ? p + 1 : p;
}

bool BodyScanner::takeCodeUnit(std::uint32_t unit) noexcept {
  const bool is_high = unit >= 0xD800 && unit <= 0xDBFF;
  const bool is_low = unit >= 0xDC00 && unit <= 0xDFFF;
  if (is_low != (high_surrogate_ != 0)) {
    failJson(nullptr, Fault::LoneSurrogate);
    return false;
  }
  if (is_high) {
    high_surrogate_ = static_cast<std::uint16_t>(unit);
    state_ = State::StringLowBackslash;
    return true;
  }
  char32_t code_point = unit;
  if (is_low) code_point = joinSurrogates(high_surrogate_, unit);
  high_surrogate_ = 0;
  state_ = State::String;
  char bytes[4];
  return store(bytes, encodeUtf8(code_point, bytes));
}

// Keeps unescaped bytes of a wanted string; whole characters only. False: the scan has failed.
bool BodyScanner::store(const char* bytes, std::size_t size) noexcept {
  switch (capture_) {
    case Capture::None:
      return true;
    case Capture::Key:
      if (key_size_ == kNoKey) return true;
      if (size > kMaxWatchedKey - key_size_) {
        key_size_ = kNoKey;
        return true;
      }
      std::memcpy(key_.data() + key_size_, bytes, size);
      key_size_ = static_cast<std::uint8_t>(key_size_ + size);
      return true;
    case Capture::Model:
      if (size > kMaxModelId - model_size_) {
        fail(nullptr, ScanStatus::ModelInvalid);
        return false;
      }
      std::memcpy(model_.data() + model_size_, bytes, size);
      model_size_ = static_cast<std::uint16_t>(model_size_ + size);
      return true;
    case Capture::User:
      storeUser(bytes, size);
      return true;
  }
  return true;
}

// `bytes` is one character, or a run of ASCII that may be cut anywhere.
void BodyScanner::storeUser(const char* bytes, std::size_t size) noexcept {
  const std::size_t room = user_full_ ? 0 : kMaxUser - user_size_;
  std::size_t taken = size;
  if (size > room) {
    user_full_ = true;
    taken = static_cast<unsigned char>(bytes[0]) < 0x80 ? room : 0;
  }
  std::memcpy(user_.data() + user_size_, bytes, taken);
  user_size_ = static_cast<std::uint8_t>(user_size_ + taken);
}

void BodyScanner::endString() noexcept {
  const Capture captured = capture_;
  capture_ = Capture::None;
  if (in_key_) {
    in_key_ = false;
    state_ = State::Colon;
    if (captured == Capture::Key) endKey();
    return;
  }
  state_ = State::AfterValue;
  if (captured == Capture::Model && !canonicalModelId(model())) {
    fail(nullptr, ScanStatus::ModelInvalid);
  }
}

void BodyScanner::endKey() noexcept {
  member_ = Member::Other;
  if (key_size_ == kNoKey) return;
  const std::string_view key{key_.data(), key_size_};
  const auto* found = std::find(std::begin(kWatchedKeys), std::end(kWatchedKeys), key);
  const auto index = static_cast<unsigned>(found - std::begin(kWatchedKeys));
  member_ = static_cast<Member>(index);
  if (member_ == Member::Other) return;
  if ((seen_ >> index & 1U) != 0) {
    fail(nullptr, ScanStatus::DuplicateKey);
    return;
  }
  seen_ = static_cast<std::uint8_t>(seen_ | 1U << index);
}

const char* BodyScanner::scanLiteral(const char* p, const char* end) noexcept {
  const std::string_view word = kLiterals[literal_];
  while (p != end && progress_ < word.size()) {
    if (*p != word[progress_]) return failJson(p, Fault::Syntax);
    ++p;
    ++progress_;
  }
  if (progress_ == word.size()) {
    state_ = State::AfterValue;
    if (isWatched(Member::Stream)) stream_ = literal_ == kTrue;
  }
  return p;
}

const char* BodyScanner::scanNumber(const char* p, const char* end) noexcept {
  const auto c = static_cast<unsigned char>(*p);
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
  while (p != end && isDigit(static_cast<unsigned char>(*p))) {
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

std::string_view BodyScanner::model() const noexcept { return {model_.data(), model_size_}; }
bool BodyScanner::stream() const noexcept { return stream_; }
bool BodyScanner::hasMaxTokens() const noexcept { return has_max_tokens_; }
std::uint64_t BodyScanner::maxTokens() const noexcept { return max_tokens_; }
std::string_view BodyScanner::user() const noexcept { return {user_.data(), user_size_}; }
std::uint64_t BodyScanner::bytesSeen() const noexcept { return bytes_seen_; }

}  // namespace agw
