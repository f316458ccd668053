#include "upstream/upstream_errors.h"

#include <string>

#include "base/json_reader.h"

namespace agw::upstream {
namespace {

constexpr std::size_t kMaxShown = 512;

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

// OpenAI's 429 for an account without money: waiting does not help.
bool isOutOfQuota(std::string_view body) {
  const Result<Json> parsed = parseJson(body);
  if (!parsed || !parsed->is_object()) return false;
  const auto error = parsed->find("error");
  if (error == parsed->end() || !error->is_object()) return false;
  const auto code = error->find("code");
  return code != error->end() && *code == "insufficient_quota";
}

}  // namespace

Error upstreamStatusError(int status, std::string_view body, std::optional<Millis> retry_after) {
  std::string said = upstreamMessage(body);
  std::string detail = "status " + std::to_string(status) + (said.empty() ? "" : ": " + said);
  switch (status) {
    case 401:
    case 403:
      return upstreamError(ErrorCode::UpstreamAuth,
                           "The upstream refused the gateway's credential.", std::move(detail));
    case 400:
    case 404:
    case 413:
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
      error.retry_after = retry_after;
      error.retryable = !isOutOfQuota(body);
      return error;
    }
    case 408:
    case 504: {
      Error error = upstreamError(ErrorCode::UpstreamTimeout,
                                  "The upstream did not answer in time.", std::move(detail));
      error.retryable = status == 504;
      return error;
    }
    default: {
      Error error =
          upstreamError(ErrorCode::UpstreamError, "The upstream failed.", std::move(detail));
      error.retryable = status == 502 || status == 503;
      if (status == 503) error.retry_after = retry_after;
      return error;
    }
  }
}

}  // namespace agw::upstream
