// Finds the top-level "model", "stream", "max_tokens" / "max_completion_tokens" /
// "max_output_tokens" and "user" of a JSON object while it arrives, without a copy of the body.
//
// Strict where JSON parsers differ: a BOM, a non-object, one of the keys above twice (also in
// escaped spelling), depth over 64, bytes after the object, control characters, bad escapes, bad
// UTF-8 and truncation are errors. Keys and string values are compared and stored unescaped.
// Source: RFC 8259.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shared/model_id.h"
#include "shared/openai_error.h"
#include "shared/string_ways.h"
#include "shared/utf8.h"

namespace agw {

enum class ScanStatus : std::uint8_t {
  InProgress,
  Done,
  Empty,  // no byte at all
  Bom,
  NotAnObject,
  InvalidJson,
  TooDeep,
  DuplicateKey,
  ModelMissing,  // only from finish()
  ModelNotString,
  ModelInvalid,         // a string that is no model id (empty, over 256 bytes, a foreign character)
  StreamNotBool,        // not true, false or null
  MaxTokensNotInteger,  // not plain digits or null
  UserNotString,        // not a string or null
};

struct ScanErrorInfo {
  ErrorCode code;
  std::string_view param;    // may be empty
  std::string_view message;  // for the client; static text
};

// Trivially copyable: lives in nginx request memory. Not thread-safe, one per request.
class BodyScanner {
 public:
  static constexpr unsigned kMaxDepth = 64;
  static constexpr std::size_t kMaxUser = 128;

  // `skip_text` is another than the best only in tests.
  explicit BodyScanner(SkipText skip_text = bestSkipText()) noexcept : skip_text_(skip_text) {}

  // Feeds the next bytes; returns InProgress or an error, which is final. How the body is cut into
  // pieces never changes the result.
  ScanStatus feed(const char* data, std::size_t size) noexcept;
  // The body is complete. Done, or the error. Nothing may be fed after it.
  ScanStatus finish() noexcept;

  // Valid after finish() == Done.
  std::string_view model() const noexcept;  // unescaped, as the client wrote it
  bool stream() const noexcept;
  bool hasMaxTokens() const noexcept;
  std::uint64_t maxTokens() const noexcept;  // the largest of the three keys; saturates
  std::string_view user() const noexcept;    // cut at kMaxUser bytes, at a character border
  std::uint64_t bytesSeen() const noexcept;

  // After an error: like scanError(), but names the key at fault and says what is wrong with the
  // JSON.
  const ScanErrorInfo& error() const noexcept;

 private:
  enum class State : std::uint8_t {
    Start,
    BomSecond,
    BomThird,
    KeyOrEnd,  // after '{'
    Key,       // after ',' in an object
    Colon,
    Value,
    ElementOrEnd,  // after '['
    AfterValue,
    String,
    StringUtf8,
    StringEscape,
    StringHex,
    StringLowBackslash,  // a low surrogate must follow: '\\'
    StringLowU,          // and then 'u'
    NumberMinus,
    NumberZero,
    NumberDigits,
    NumberPoint,
    NumberFraction,
    NumberExponent,
    NumberExponentSign,
    NumberExponentDigits,
    Literal,
    AfterObject,
    Failed,
  };
  // The top-level members that are watched, in the order of their names in scan_string.cpp.
  enum class Member : std::uint8_t {
    Model,
    Stream,
    User,
    MaxTokens,
    MaxCompletionTokens,
    MaxOutputTokens,
    Other,
  };
  enum class Word : std::uint8_t { True, False, Null };
  // What is wrong with the JSON, for the message.
  enum class Fault : std::uint8_t {
    Syntax,
    Truncated,
    TrailingBytes,
    BadUtf8,
    LoneSurrogate,
    ControlCharacter,
    BadEscape,
    BadNumber,
  };
  enum class Capture : std::uint8_t { None, Key, Model, User };
  static constexpr std::size_t kMaxWatchedKey = 21;  // "max_completion_tokens"
  static constexpr std::uint8_t kNoKey = 0xFF;       // key_size_ of a key too long to be watched

  const char* step(const char* p, const char* end) noexcept;
  const char* scanStart(const char* p) noexcept;
  // Takes whole tokens as far as it can; step() and the states are for those that a piece cuts.
  const char* scanStructure(const char* p, const char* end) noexcept;
  const char* scanKey(const char* p, const char* end) noexcept;
  const char* scanString(const char* p, const char* end) noexcept;
  const char* scanEscape(const char* p) noexcept;
  const char* scanHex(const char* p) noexcept;
  const char* scanUtf8(const char* p) noexcept;
  const char* scanNumber(const char* p, const char* end) noexcept;
  const char* scanDigits(const char* p, const char* end) noexcept;
  const char* endDigits(const char* p) noexcept;
  const char* scanLiteral(const char* p, const char* end) noexcept;
  const char* beginValue(const char* p) noexcept;
  const char* beginKey(const char* p) noexcept;
  const char* beginString(const char* p, Capture capture) noexcept;
  const char* fail(const char* p, ScanStatus status) noexcept;
  const char* failJson(const char* p, Fault fault) noexcept;
  bool takeCodeUnit(std::uint32_t unit) noexcept;
  bool store(const char* bytes, std::size_t size) noexcept;
  void storeUser(const char* bytes, std::size_t size) noexcept;
  void endString() noexcept;
  void endKey(std::string_view key) noexcept;  // unescaped; empty when it is too long to be watched
  // For a value that is about to begin or is being read.
  bool isWatched(Member member) const noexcept { return depth_ == 1 && member_ == member; }
  bool isMaxTokens() const noexcept {
    return depth_ == 1 && member_ >= Member::MaxTokens && member_ < Member::Other;
  }

  SkipText skip_text_;
  State state_ = State::Start;
  ScanStatus status_ = ScanStatus::InProgress;
  Fault fault_ = Fault::Syntax;
  Member member_ = Member::Other;  // of the value that is being read, at depth 1
  Capture capture_ = Capture::None;
  bool stream_ = false;
  bool has_max_tokens_ = false;
  bool user_full_ = false;
  bool in_key_ = false;  // the string that is being read is a member's name
  std::uint8_t depth_ = 0;
  std::uint8_t seen_ = 0;      // bit per Member
  Word literal_ = Word::Null;  // that is being read
  std::uint8_t progress_ =
      0;  // characters of the literal, hex digits or bytes of a UTF-8 sequence seen
  std::uint8_t key_size_ = 0;
  std::uint8_t user_size_ = 0;
  std::uint16_t model_size_ = 0;
  std::uint16_t code_unit_ = 0;
  std::uint16_t high_surrogate_ = 0;  // 0: none is open
  Utf8Sequence utf8_;
  std::uint64_t nesting_ = 0;  // bit per level, the innermost lowest: 1 an object, 0 an array
  std::uint64_t bytes_seen_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t max_tokens_ = 0;
  std::array<char, 4> sequence_{};  // bytes of a UTF-8 sequence that came in pieces
  std::array<char, kMaxWatchedKey> key_{};
  std::array<char, kMaxModelId> model_{};
  std::array<char, kMaxUser> user_{};
};

// For every status but InProgress and Done.
const ScanErrorInfo& scanError(ScanStatus status) noexcept;

}  // namespace agw
