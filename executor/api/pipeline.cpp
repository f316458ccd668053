#include "api/pipeline.h"

#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/this_coro.hpp>
#include <ctime>
#include <exception>
#include <utility>

#include "api/edge_identity.h"
#include "api/error_reply.h"
#include "api/request_log.h"
#include "api/router.h"
#include "base/id.h"

namespace agw::api {
namespace {

// W3C Trace Context, version 00; anything else is not passed on.
std::string readTraceparent(const io::ServerRequest& request) {
  const std::string_view value = request.header("traceparent");
  const bool plausible = value.size() == 55 && value.starts_with("00-") && value[35] == '-' &&
                         value[52] == '-' &&
                         value.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
  return plausible ? std::string(value) : std::string();
}

std::string readRequestId(const io::ServerRequest& request) {
  const std::string_view id = request.header(header::kRequestId);
  return isValidRequestId(id) ? std::string(id) : randomId("req_");
}

constexpr Millis kOverloadedWait{1000};

// One of the requests that are at work.
class OpenRequest {
 public:
  explicit OpenRequest(Service& service) : service_(service), number_(++service.open_requests) {}
  ~OpenRequest() { --service_.open_requests; }
  OpenRequest(const OpenRequest&) = delete;
  OpenRequest& operator=(const OpenRequest&) = delete;

  bool isOneTooMany() const { return number_ > service_.max_open_requests; }

 private:
  Service& service_;
  const unsigned number_;
};

Error overloaded() {
  Error error = gatewayError(ErrorCode::Overloaded, "The gateway is at its capacity limit.",
                             "max_open_requests");
  error.retry_after = kOverloadedWait;
  return error;
}

Error missingKey() { return clientError(ErrorCode::InvalidApiKey, "This needs an API key."); }

Error missingScope() {
  return clientError(ErrorCode::ScopeNotGranted, "This key may not do that.");
}

Error noRoute(const RouteMatch& match, std::string_view method, std::string_view path) {
  if (match.allowed.empty()) {
    return clientError(ErrorCode::NotFound,
                       "There is nothing at \"" + std::string(path.substr(0, 256)) + "\".");
  }
  return clientError(ErrorCode::MethodNotAllowed, "\"" + std::string(method) +
                                                      "\" is not allowed here; use " +
                                                      std::string(match.allowed) + ".");
}

}  // namespace

Pipeline::Pipeline(Service& service, const CurrentParts& current)
    : service_(service), current_(current), proof_keys_(makeProofKeys(service.edge_secrets)) {}

std::string Pipeline::errorBody(int status, std::string_view message) {
  return malformedRequestBody(status, message);
}

Result<void> Pipeline::admit(RequestContext& context) {
  const RouteMatch match = findRoute(context.request.method, context.path);
  context.record.is_probe = match.route != nullptr && !match.route->needs_proof;
  if (context.record.is_probe) return {};
  auto proof = checkProof(context.request, context.request_id, proof_keys_, std::time(nullptr));
  if (!proof) return proof;
  auto identity = readIdentity(context.request);
  if (!identity) return identity.error();
  context.identity = *identity;
  auto deadline = readDeadline(context.request);
  if (!deadline) return deadline.error();
  context.deadline = *deadline;
  if (match.route == nullptr) return noRoute(match, context.request.method, context.path);
  if (match.route->scopes == 0) return {};
  if (context.identity.key_id.empty()) return missingKey();
  if ((context.identity.scopes & match.route->scopes) == 0) return missingScope();
  return {};
}

// What a client did wrong is not the agent's.
void Pipeline::noteAgentError(const RequestContext& context) {
  const RequestRecord& record = context.record;
  if (record.agent.empty() || record.error->source == ErrorSource::Client) return;
  telemetry::AgentError error;
  error.event = "agent_run_failed";
  error.message = record.error->message;
  error.request_id = context.request_id;
  error.agent_id = record.agent;
  error.module_path = record.module_path;
  error.error_stage = record.error->code == ErrorCode::AgentUnavailable ? "build" : "run";
  error.details = record.error->detail;
  service_.errors.add(std::move(error));
}

net::awaitable<Result<void>> Pipeline::dispatch(RequestContext& context, const ThreadParts& parts) {
  if (auto admitted = admit(context); !admitted) co_return admitted;
  const RouteMatch match = findRoute(context.request.method, context.path);
  if (context.record.is_probe) co_return co_await match.route->endpoint(context, parts);
  const OpenRequest open(service_);
  if (open.isOneTooMany()) co_return overloaded();
  co_return co_await match.route->endpoint(context, parts);
}

net::awaitable<void> Pipeline::handle(io::ServerRequest& request, io::ResponseWriter& writer) {
  RecordingResponse response(writer);
  const std::string_view target = request.target;
  RequestContext context{request,
                         response,
                         target.substr(0, target.find('?')),
                         readRequestId(request),
                         readTraceparent(request),
                         {},
                         {},
                         {},
                         {}};
  const std::shared_ptr<const ThreadParts> parts = current_.parts;
  RequestLogLine line(service_.log, parts->metrics, context, response);

  Result<void> result;
  std::string exception;
  try {
    result = co_await dispatch(context, *parts);
  } catch (const std::exception& error) {
    exception = error.what();
  }
  const auto cancelled = (co_await net::this_coro::cancellation_state).cancelled();
  if (cancelled != net::cancellation_type::none) co_return;  // the client is gone
  if (!exception.empty()) {
    result = gatewayError(ErrorCode::InternalError, "The gateway failed.", std::move(exception));
  }
  if (result && context.record.error) noteAgentError(context);  // it ended a stream
  if (!result) {
    context.record.error = result.error();
    const Error& error = *context.record.error;
    noteAgentError(context);
    if (response.started()) co_return;  // the connection is cut: nothing whole can follow
    io::HttpHeaders headers = context.baseHeaders();
    if (error.code == ErrorCode::MethodNotAllowed) {
      headers.push_back({"Allow", std::string(findRoute(request.method, context.path).allowed)});
    }
    const auto sent = co_await sendError(response, error, std::move(headers));
    if (!sent) co_return;
  }
  line.completed();
}

}  // namespace agw::api
