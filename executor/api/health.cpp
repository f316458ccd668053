#include "api/health.h"

#include <utility>

#include "api/error_reply.h"

namespace agw::api {
namespace {

net::awaitable<Result<void>> sendJson(RequestContext& context, int status, std::string body) {
  io::HttpHeaders headers = context.baseHeaders();
  headers.push_back({"Content-Type", "application/json"});
  if (status == 503) headers.push_back({"Retry-After", "1"});
  co_return co_await context.response.send(status, std::move(headers), std::move(body));
}

}  // namespace

net::awaitable<Result<void>> health(RequestContext& context, const ThreadParts&) {
  return sendJson(context, 200,
                  R"({"status":"ok","service":"agent-gateway","version":")" AGW_VERSION R"("})");
}

net::awaitable<Result<void>> ready(RequestContext& context, const ThreadParts& parts) {
  if (!parts.service.draining.load(std::memory_order_relaxed)) {
    return sendJson(context, 200, R"({"status":"ready","failing":[]})");
  }
  const std::string error =
      errorJson(gatewayError(ErrorCode::Draining, "This executor is shutting down."));
  return sendJson(context, 503,
                  R"({"status":"not_ready","failing":["draining"],)" + error.substr(1));
}

}  // namespace agw::api
