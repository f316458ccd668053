#include "shared/openai_error.h"

#include <array>
#include <cstring>

#include "shared/utf8.h"

namespace agw {
namespace {

constexpr std::string_view kInvalidRequest = "invalid_request_error";
constexpr std::string_view kPermission = "permission_error";
constexpr std::string_view kRateLimit = "rate_limit_error";
constexpr std::string_view kApi = "api_error";

using enum ErrorCode;

constexpr auto kTable = std::to_array<ErrorEntry>({
    {InvalidJson, "invalid_json", 400, kInvalidRequest, "The body is not a valid JSON object."},
    {InvalidRequest, "invalid_request", 400, kInvalidRequest,
     "The request contradicts itself or the endpoint's rules."},
    {MissingParameter, "missing_required_parameter", 400, kInvalidRequest,
     "A required field is absent; param names it."},
    {InvalidType, "invalid_type", 400, kInvalidRequest,
     "A field has the wrong JSON type; param names it."},
    {InvalidValue, "invalid_value", 400, kInvalidRequest,
     "A field has the right type but a value that is not accepted; param names it."},
    {DuplicateKey, "duplicate_key", 400, kInvalidRequest,
     "A key that decides access or limits stands twice in the body."},
    {JsonTooDeep, "json_too_deep", 400, kInvalidRequest, "The body is nested over 64 levels deep."},
    {UnsupportedParameter, "unsupported_parameter", 400, kInvalidRequest,
     "A field or feature that the model or agent does not support."},
    {ToolNameConflict, "tool_name_conflict", 400, kInvalidRequest,
     "A tool sent by the client has the name of one of the agent's own tools."},
    {ModelMismatch, "model_mismatch", 400, kInvalidRequest,
     "Edge and executor read different models from the body."},
    {BadRequest, "bad_request", 400, kInvalidRequest, "The HTTP request is malformed."},
    {UnsupportedMediaType, "unsupported_media_type", 415, kInvalidRequest,
     "The body's content type or content encoding is not accepted."},
    {RequestTooLarge, "request_too_large", 413, kInvalidRequest,
     "The body is over the size limit."},
    {HeadersTooLarge, "headers_too_large", 431, kInvalidRequest,
     "The request headers are over the size limit."},
    {UriTooLong, "uri_too_long", 414, kInvalidRequest, "The request target is too long."},
    {RequestTimeout, "request_timeout", 408, kInvalidRequest,
     "The request did not arrive completely in time."},
    {NotFound, "not_found", 404, kInvalidRequest, "No such path or object."},
    {MethodNotAllowed, "method_not_allowed", 405, kInvalidRequest,
     "The path does not take this method; the Allow header lists those it takes."},
    {InvalidApiKey, "invalid_api_key", 401, kInvalidRequest,
     "No API key was sent, or none that is known."},
    {KeyExpired, "key_expired", 401, kInvalidRequest, "The API key's expires= time has passed."},
    {ScopeNotGranted, "scope_not_granted", 403, kPermission,
     "The API key lacks the scope of this path."},
    {AgentNotAllowed, "agent_not_allowed", 403, kPermission,
     "The API key may not use this model or agent, whether or not it exists."},
    {Forbidden, "forbidden", 403, kPermission,
     "Another rule of the edge, such as nginx's own deny, forbids this address."},
    {ProofInvalid, "proof_invalid", 403, kPermission,
     "The request did not come to the executor through an edge that holds the shared secret."},
    {ModelNotFound, "model_not_found", 404, kInvalidRequest,
     "The model or agent is allowed but does not exist."},
    {RateLimitExceeded, "rate_limit_exceeded", 429, kRateLimit,
     "Too many requests, tokens or streams; Retry-After says when to try again."},
    {KeysNotLoaded, "keys_not_loaded", 503, kApi, "The edge has not loaded its key file yet."},
    {NoExecutor, "no_executor", 503, kApi,
     "No executor could be reached; nothing was run, retrying is safe."},
    {RunLost, "run_lost", 424, kApi,
     "The executor went away after it had the request; tools may have run, so retrying may repeat "
     "them."},
    {AgentUnavailable, "agent_unavailable", 503, kApi,
     "The agent is configured but could not be built; its status is error."},
    {Overloaded, "overloaded", 503, kApi, "The gateway is at its capacity limit."},
    {Draining, "draining", 503, kApi, "The executor is shutting down and takes no new runs."},
    {ConfigurationInvalid, "configuration_invalid", 422, kInvalidRequest,
     "The configuration that was to be loaded has problems; the one before goes on."},
    {InternalError, "internal_error", 500, kApi, "A fault in the gateway; the log has details."},
    {UpstreamAuth, "upstream_auth_error", 502, kApi,
     "The model upstream refused the gateway's own credentials."},
    {UpstreamRejected, "upstream_rejected", 400, kInvalidRequest,
     "The model upstream refused the request; its own 400, 404, 413 or 422 status is kept."},
    {UpstreamRateLimited, "upstream_rate_limited", 429, kRateLimit,
     "The model upstream is limiting the gateway; Retry-After is passed on."},
    {UpstreamError, "upstream_error", 502, kApi, "The model upstream answered with an error."},
    {UpstreamUnreachable, "upstream_unreachable", 502, kApi,
     "The model upstream could not be reached."},
    {UpstreamTimeout, "upstream_timeout", 504, kApi, "The model upstream did not answer in time."},
    {UpstreamStreamTruncated, "upstream_stream_truncated", 502, kApi,
     "The model upstream's stream broke off before its end."},
    {UpstreamInvalidResponse, "upstream_invalid_response", 502, kApi,
     "The model upstream's answer does not follow the protocol."},
    {UpstreamOverloaded, "upstream_overloaded", 503, kApi,
     "The model upstream has as many requests as it may have; Retry-After says when to try again."},
    {UpstreamUnavailable, "upstream_unavailable", 503, kApi,
     "The model upstream failed too often lately and is left alone for a while; Retry-After says "
     "for how long."},
    {ToolFailed, "tool_failed", 424, kApi,
     "The run failed after a tool had been started; retrying may run the tool again."},
    {RunTimeout, "run_timeout", 504, kApi, "The run reached its longest allowed time."},
    {RunCancelled, "run_cancelled", 499, kApi,
     "The run was cancelled by the client or an administrator."},
});

constexpr bool isInEnumOrder() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<std::size_t>(kTable[i].code) != i) return false;
  }
  return kTable.back().code == RunCancelled;
}
static_assert(isInEnumOrder(), "kTable holds every ErrorCode once, in the order of the enum");

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// One character of a JSON string: how many input bytes it took and what stands for them in the
// output.
struct EscapedCharacter {
  std::size_t taken;
  std::array<char, 6> bytes;
  std::size_t size;
};

EscapedCharacter escapeCharacter(std::string_view text) noexcept {
  EscapedCharacter result{1, {}, 0};
  const auto write = [&result](std::string_view bytes) {
    std::memcpy(result.bytes.data(), bytes.data(), bytes.size());
    result.size = bytes.size();
  };
  const auto c = static_cast<unsigned char>(text[0]);
  if (c >= 0x80) {
    std::size_t replaced = 1;
    const std::size_t size = utf8SequenceSize(text.data(), text.size(), &replaced);
    result.taken = size != 0 ? size : replaced;
    write(size != 0 ? text.substr(0, size) : kReplacement);
    return result;
  }
  switch (c) {
    case '"':
      write("\\\"");
      break;
    case '\\':
      write("\\\\");
      break;
    case '\n':
      write("\\n");
      break;
    case '\r':
      write("\\r");
      break;
    case '\t':
      write("\\t");
      break;
    default:
      if (c < 0x20 || c == 0x7F) {
        constexpr std::string_view kHex = "0123456789abcdef";
        const char escape[6] = {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 0xF]};
        write({escape, sizeof(escape)});
      } else {
        write(text.substr(0, 1));
      }
  }
  return result;
}

class BufferWriter {
 public:
  BufferWriter(char* out, std::size_t capacity) noexcept : out_(out), left_(capacity) {}

  void raw(std::string_view text) noexcept {
    if (text.size() > left_) return;
    std::memcpy(out_, text.data(), text.size());
    out_ += text.size();
    left_ -= text.size();
  }
  // Escapes as much of `text` as fits into `limit` bytes, in whole characters.
  void escaped(std::string_view text, std::size_t limit) noexcept {
    while (!text.empty()) {
      const EscapedCharacter character = escapeCharacter(text);
      if (character.size > limit) return;
      raw({character.bytes.data(), character.size});
      limit -= character.size;
      text.remove_prefix(character.taken);
    }
  }
  std::size_t left() const noexcept { return left_; }

 private:
  char* out_;
  std::size_t left_;
};

constexpr std::string_view kOpen = R"({"error":{"message":")";
constexpr std::string_view kType = R"(","type":")";
constexpr std::string_view kParam = R"(","param":)";
constexpr std::string_view kCode = R"(,"code":")";
constexpr std::string_view kClose = R"("}})";
constexpr std::size_t kMaxParamInBuffer = 64;  // escaped bytes

constexpr std::size_t fixedSize(const ErrorEntry& entry) {
  return kOpen.size() + kType.size() + entry.type.size() + kParam.size() + kCode.size() +
         entry.name.size() + kClose.size();
}

constexpr bool leavesRoomForAMessage() {
  for (const ErrorEntry& entry : kTable) {
    if (fixedSize(entry) + kMaxParamInBuffer + 2 + 64 > 256) return false;
  }
  return true;
}
static_assert(leavesRoomForAMessage(), "writeErrorJson promises whole JSON in 256 bytes");

}  // namespace

void appendJsonEscaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const EscapedCharacter character = escapeCharacter(text);
    out.append(character.bytes.data(), character.size);
    text.remove_prefix(character.taken);
  }
}

std::span<const ErrorEntry> errorTable() noexcept { return kTable; }

const ErrorEntry& errorEntry(ErrorCode code) noexcept {
  return kTable[static_cast<std::size_t>(code)];
}

std::optional<ErrorCode> errorCodeFromName(std::string_view name) noexcept {
  for (const ErrorEntry& entry : kTable) {
    if (entry.name == name) return entry.code;
  }
  return std::nullopt;
}

void appendErrorJson(std::string& out, ErrorCode code, std::string_view message,
                     std::string_view param) {
  const ErrorEntry& entry = errorEntry(code);
  out.append(kOpen);
  appendJsonEscaped(out, message);
  out.append(kType).append(entry.type).append(kParam);
  if (param.empty()) {
    out.append("null");
  } else {
    out.push_back('"');
    appendJsonEscaped(out, param);
    out.push_back('"');
  }
  out.append(kCode).append(entry.name).append(kClose);
}

std::size_t writeErrorJson(char* out, std::size_t capacity, ErrorCode code,
                           std::string_view message, std::string_view param) noexcept {
  const ErrorEntry& entry = errorEntry(code);
  // The message comes first but is what gets cut: measure the rest before it is written.
  char param_json[kMaxParamInBuffer + 2];
  BufferWriter param_writer(param_json, sizeof(param_json));
  if (param.empty()) {
    param_writer.raw("null");
  } else {
    param_writer.raw("\"");
    param_writer.escaped(param, kMaxParamInBuffer);
    param_writer.raw("\"");
  }
  const std::string_view param_text{param_json, sizeof(param_json) - param_writer.left()};
  const std::size_t rest = fixedSize(entry) + param_text.size();
  if (rest > capacity) return 0;

  BufferWriter writer(out, capacity);
  writer.raw(kOpen);
  writer.escaped(message, capacity - rest);
  writer.raw(kType);
  writer.raw(entry.type);
  writer.raw(kParam);
  writer.raw(param_text);
  writer.raw(kCode);
  writer.raw(entry.name);
  writer.raw(kClose);
  return capacity - writer.left();
}

}  // namespace agw
