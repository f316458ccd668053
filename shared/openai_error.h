// The one table of error codes: code -> HTTP status -> OpenAI error type, used by edge and
// executor. Wire form (OpenAI OpenAPI file, schema "ErrorResponse"; all four keys are required):
//   {"error":{"message":string,"type":string,"param":string|null,"code":string|null}}
// Types: 429 -> rate_limit_error; 403 -> permission_error; every other 4xx that is the client's to
// mend (401 and 404 included) -> invalid_request_error; 5xx, 424 and 499 -> api_error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace agw {

enum class ErrorCode : std::uint8_t {
  // The request.
  InvalidJson,
  InvalidRequest,
  MissingParameter,
  InvalidType,
  InvalidValue,
  DuplicateKey,
  JsonTooDeep,
  UnsupportedParameter,
  ToolNameConflict,
  ModelMismatch,  // the executor's parse of the body differs from X-Agent-Model
  BadRequest,     // malformed HTTP
  UnsupportedMediaType,
  RequestTooLarge,
  HeadersTooLarge,
  UriTooLong,
  RequestTimeout,
  NotFound,
  MethodNotAllowed,
  // Who asks.
  InvalidApiKey,
  KeyExpired,
  ScopeNotGranted,
  AgentNotAllowed,
  Forbidden,  // by another rule of the edge, such as nginx's own "deny"
  ProofInvalid,
  ModelNotFound,
  RateLimitExceeded,
  // The gateway.
  KeysNotLoaded,
  NoExecutor,
  RunLost,
  AgentUnavailable,  // configured, but status: error
  Overloaded,
  Draining,
  ConfigurationInvalid,
  InternalError,
  // Behind the gateway.
  UpstreamAuth,
  UpstreamRejected,  // 400/404/422 of the upstream; keeps the upstream's status
  UpstreamRateLimited,
  UpstreamError,
  UpstreamUnreachable,
  UpstreamTimeout,
  UpstreamStreamTruncated,
  UpstreamInvalidResponse,
  UpstreamOverloaded,   // no slot of max_concurrent came free in time
  UpstreamUnavailable,  // its circuit breaker is open
  ToolFailed,           // an error after a tool was started: 424, so that no SDK runs it twice
  RunTimeout,
  RunCancelled,
};

struct ErrorEntry {
  ErrorCode code;
  std::string_view name;  // the wire value of "code"
  std::uint16_t status;
  std::string_view type;
  std::string_view meaning;  // one line for the documentation
};

// Every code once, in enum order.
std::span<const ErrorEntry> errorTable() noexcept;
const ErrorEntry& errorEntry(ErrorCode code) noexcept;
std::optional<ErrorCode> errorCodeFromName(std::string_view name) noexcept;

// Appends the JSON object above. Empty param -> null. Bytes of `message` that are not valid UTF-8
// become U+FFFD, control characters are escaped.
void appendErrorJson(std::string& out, ErrorCode code, std::string_view message,
                     std::string_view param = {});

// The same into a fixed buffer, for the edge: no allocation, no exception. The message is cut (at a
// character border) so that the JSON always is whole. A param over 64 bytes is
// cut too. Returns the bytes written; needs capacity >= 256, and returns 0 when that is not given.
std::size_t writeErrorJson(char* out, std::size_t capacity, ErrorCode code,
                           std::string_view message, std::string_view param = {}) noexcept;

// What stands between the quotes of a JSON string for `text`, with the rules of appendErrorJson.
void appendJsonEscaped(std::string& out, std::string_view text);

}  // namespace agw
