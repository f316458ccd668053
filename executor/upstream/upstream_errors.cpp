#include "upstream/upstream_errors.h"

#include <charconv>
#include <string>

#include "base/json_reader.h"

namespace agw::upstream {
namespace {

constexpr std::size_t kMaxShown = 512;
constexpr std::chrono::seconds kMaxRetryAfter{3600};

// The text of {"error":{"message":…}}, {"error":"…"} or {"message":…}; "" for anything else.
std::string upstreamMessage(std::string_view body) {
  const Result<Json> parsed = parseJson(body);
  if (!parsed || !parsed->is_object()) return {};
  const Json* holder = &*parsed;
  if (const auto error = parsed->find("error"); error != parsed->end()) {
    if (error->is_string()) return error->get<std::string>().substr(0, kMaxShown);
    if (error->is_object()) holder = &*error;
  }
  const auto message = holder->find("message");
  if (message == holder->end() || !message->is_string()) return {};
  return message->get<std::string>().substr(0, kMaxShown);
}

std::optional<std::chrono::seconds> parseRetryAfter(std::string_view text) {
  long seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || seconds < 0 || (end != text.data() + text.size() && *end != '.')) {
    return std::nullopt;
  }
  return std::min(std::chrono::seconds(std::max(seconds, 1L)), kMaxRetryAfter);
}

}  // namespace

Error upstreamStatusError(int status, std::string_view body, std::string_view retry_after) {
  std::string said = upstreamMessage(body);
  std::string detail = "status " + std::to_string(status) + (said.empty() ? "" : ": " + said);
  switch (status) {
    case 401:
    case 403:
      return upstreamError(ErrorCode::UpstreamAuth,
                           "The upstream refused the gateway's credential.", std::move(detail));
    case 400:
    case 404:
    case 422: {
      Error error = upstreamError(
          ErrorCode::UpstreamRejected,
          said.empty() ? "The upstream rejected the request." : std::move(said), std::move(detail));
      error.status = status;
      return error;
    }
    case 429: {
      Error error = upstreamError(ErrorCode::UpstreamRateLimited,
                                  "The upstream's rate limit is reached.", std::move(detail));
      error.retry_after = parseRetryAfter(retry_after);
      error.retryable = true;
      return error;
    }
    case 408:
    case 504:
      return upstreamError(ErrorCode::UpstreamTimeout, "The upstream did not answer in time.",
                           std::move(detail));
    default: {
      Error error =
          upstreamError(ErrorCode::UpstreamError, "The upstream failed.", std::move(detail));
      error.retryable = status >= 500;
      return error;
    }
  }
}

}  // namespace agw::upstream
