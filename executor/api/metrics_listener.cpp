#include "api/metrics_listener.h"

#include <utility>

#include "api/error_reply.h"
#include "api/metrics_page.h"

namespace agw::api {

namespace net = boost::asio;

net::awaitable<void> MetricsListener::handle(io::ServerRequest& request,
                                             io::ResponseWriter& response) {
  const std::string_view target = request.target;
  if (target.substr(0, target.find('?')) != "/metrics") {
    const Error error = clientError(ErrorCode::NotFound, "There is only /metrics here.");
    co_await sendError(response, error, {});
    co_return;
  }
  if (request.method != "GET" && request.method != "HEAD") {
    const Error error = clientError(ErrorCode::MethodNotAllowed, "Use GET.");
    io::HttpHeaders headers = {{"Allow", "GET"}};
    co_await sendError(response, error, std::move(headers));
    co_return;
  }
  io::HttpHeaders headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}};
  co_await response.send(200, std::move(headers), metricsPage(service_));
}

std::string MetricsListener::errorBody(int status, std::string_view message) {
  return malformedRequestBody(status, message);
}

}  // namespace agw::api
