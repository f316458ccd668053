// Finds the top-level "model", "stream", "max_tokens" / "max_completion_tokens" / "max_output_tokens" and
// "user" of a JSON object byte by byte while it arrives, without a copy of the body.
//
// Strict where JSON parsers differ: a BOM, a non-object, one of the keys above twice (also in escaped
// spelling), depth over 64, bytes after the object, control characters, bad escapes, bad UTF-8 and truncation are errors.
// Keys and string values are compared and stored unescaped. Source: RFC 8259.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shared/openai_error.h"

namespace agw {

enum class ScanStatus : std::uint8_t {
  InProgress,
  Done,
  Empty,           // no byte at all
  Bom,
  NotAnObject,
  InvalidJson,
  TooDeep,
  DuplicateKey,
  ModelMissing,    // only from finish()
  ModelNotString,
  ModelInvalid,    // a string that is no model id (empty, over 256 bytes, a foreign character)
  StreamNotBool,   // not true, false or null
  MaxTokensNotInteger,  // not plain digits or null
  UserNotString,   // not a string or null
};

// Trivially copyable: lives in nginx request memory. Not thread-safe, one per request.
class BodyScanner {
 public:
  static constexpr unsigned kMaxDepth = 64;

  // Feeds the next bytes; returns InProgress or an error, which is final.
  ScanStatus feed(const char* data, std::size_t size) noexcept;
  // The body is complete. Done, or the error.
  ScanStatus finish() noexcept;

  std::string_view model() const noexcept;  // unescaped, as the client wrote it; valid after finish() == Done
  bool stream() const noexcept;
  bool hasMaxTokens() const noexcept;
  std::uint64_t maxTokens() const noexcept;  // the largest of the three keys; saturates
  std::string_view user() const noexcept;    // cut at 128 bytes
  std::uint64_t bytesSeen() const noexcept;

 private:
  // Fixed-size state only (see body_scanner.cpp).
};

struct ScanErrorInfo {
  ErrorCode code;
  std::string_view param;    // may be empty
  std::string_view message;  // the same text the executor gives for the same fault
};
// For every status but InProgress and Done.
const ScanErrorInfo& scanError(ScanStatus status) noexcept;

}  // namespace agw
