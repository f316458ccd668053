#include "api/error_reply.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

namespace agw::api {
namespace {

constexpr int kFailedDependency = 424;

bool mustNotRetry(const Error& error) {
  return error.httpStatus() == kFailedDependency || error.code == ErrorCode::AgentUnavailable ||
         error.code == ErrorCode::UpstreamAuth;
}

}  // namespace

std::string errorJson(const Error& error) {
  std::string out;
  appendErrorJson(out, error.code, error.message, error.param);
  return out;
}

std::string malformedRequestBody(int status, std::string_view message) {
  ErrorCode code = ErrorCode::BadRequest;
  if (status == 408) code = ErrorCode::RequestTimeout;
  if (status == 413) code = ErrorCode::RequestTooLarge;
  if (status == 431) code = ErrorCode::HeadersTooLarge;
  if (status == 503) code = ErrorCode::Overloaded;
  std::string out;
  appendErrorJson(out, code, message);
  return out;
}

net::awaitable<Result<void>> sendError(io::ResponseWriter& response, const Error& error,
                                       io::HttpHeaders headers) {
  headers.push_back({"Content-Type", "application/json"});
  if (error.retry_after) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*error.retry_after).count();
    headers.push_back({"Retry-After", std::to_string(std::max<std::int64_t>(seconds, 1))});
  }
  if (mustNotRetry(error)) headers.push_back({"x-should-retry", "false"});
  std::string body = errorJson(error);
  co_return co_await response.send(error.httpStatus(), std::move(headers), std::move(body));
}

Error afterToolStarted(Error error) {
  error.status = kFailedDependency;
  error.retryable = false;
  error.retry_after.reset();
  return error;
}

}  // namespace agw::api
