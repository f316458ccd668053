#include "mcp/streamable_http_transport.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "mcp/mcp_errors.h"
#include "protocol/mcp.h"

namespace agw::mcp {
namespace {

constexpr Millis kDefaultRetry{
    1000};  // between connections of one stream, when the server names no pause
constexpr unsigned kMaxReconnects = 5;          // in a row, without an event between them
constexpr std::size_t kMaxRefusal = 16 * 1024;  // bytes read of an answer that is no success
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kEventStream = "text/event-stream";
constexpr std::string_view kOwnHeaders[] = {"accept", "content-type", "mcp-session-id",
                                            "mcp-protocol-version", "last-event-id"};

bool isSuccess(int status) { return status >= 200 && status < 300; }

}  // namespace

StreamableHttpTransport::StreamableHttpTransport(net::io_context& context, io::HttpClient& client,
                                                 const config::McpServerSettings& settings,
                                                 MessageSink on_message, Drain drain)
    : context_(context),
      client_(client),
      settings_(settings),
      on_message_(std::move(on_message)),
      drain_(std::move(drain)) {}

net::awaitable<Result<Reply>> StreamableHttpTransport::request(SessionKeys keys, std::int64_t id,
                                                               std::string body,
                                                               Deadline deadline) {
  io::HttpRequest post = makePost(keys, std::move(body));
  auto sent = co_await client_.send(std::move(post), io::timeoutsUntil(deadline));
  if (!sent) {
    Error error = lower(sent.error());
    // The one place where the client's word about that holds for the whole exchange.
    error.retryable = sent.error().retryable;
    co_return error;
  }
  Response response = std::move(*sent);
  if (!isSuccess(response->status())) {
    co_return co_await readRefusal(std::move(response), !keys.id.empty());
  }
  const std::string session_id(response->header("mcp-session-id"));
  const std::string_view type = response->header("content-type");
  const bool is_json = isMediaType(type, kJson);
  if (!is_json && !isMediaType(type, kEventStream)) {
    co_return serverError(ErrorCode::UpstreamInvalidResponse, settings_.name,
                          "HTTP status " + std::to_string(response->status()) +
                              " with neither JSON nor an event stream");
  }
  Result<Reply> reply = Reply();
  if (is_json) {
    reply = co_await readJson(std::move(response), keys, id);
  } else {
    reply = co_await readStream(std::move(response), keys, id, deadline);
  }
  if (reply) reply->session_id = session_id;
  co_return reply;
}

net::awaitable<Result<void>> StreamableHttpTransport::notify(SessionKeys keys, std::string body,
                                                             Deadline deadline) {
  io::HttpRequest post = makePost(keys, std::move(body));
  auto sent = co_await client_.send(std::move(post), io::timeoutsUntil(deadline));
  if (!sent) co_return lower(sent.error());
  Response response = std::move(*sent);
  const int status = response->status();
  // Read to its end so that the connection can be used again; what it says matters only for the
  // log.
  const auto text = co_await io::readAll(*response, kMaxRefusal);
  if (!isSuccess(status)) co_return fromHttpStatus(settings_.name, status, text ? *text : "");
  co_return boost::system::in_place_value;
}

net::awaitable<Result<void>> StreamableHttpTransport::endSession(SessionKeys keys,
                                                                 Deadline deadline) {
  io::HttpRequest request = makeRequest("DELETE", keys);
  auto sent = co_await client_.send(std::move(request), io::timeoutsUntil(deadline));
  if (!sent) co_return lower(sent.error());
  Response response = std::move(*sent);
  const int status = response->status();
  const auto text = co_await io::readAll(*response, kMaxRefusal);
  if (!isSuccess(status) && status != 405 && status != 404) {
    co_return fromHttpStatus(settings_.name, status, text ? *text : "");
  }
  co_return boost::system::in_place_value;
}

io::HttpRequest StreamableHttpTransport::makeRequest(std::string method,
                                                     const SessionKeys& keys) const {
  io::HttpRequest request;
  request.method = std::move(method);
  request.url = settings_.url;
  for (const config::HeaderSetting& header : settings_.headers) {
    const bool ours = std::any_of(std::begin(kOwnHeaders), std::end(kOwnHeaders),
                                  [&](auto name) { return io::sameHeaderName(name, header.name); });
    if (!ours) request.headers.push_back({header.name, header.value});
  }
  if (!keys.version.empty()) request.headers.push_back({"mcp-protocol-version", keys.version});
  if (!keys.id.empty()) request.headers.push_back({"mcp-session-id", keys.id});
  return request;
}

io::HttpRequest StreamableHttpTransport::makePost(const SessionKeys& keys, std::string body) const {
  io::HttpRequest request = makeRequest("POST", keys);
  request.headers.push_back({"accept", "application/json, text/event-stream"});
  request.headers.push_back({"content-type", "application/json"});
  request.body = std::move(body);
  return request;
}

net::awaitable<Result<Reply>> StreamableHttpTransport::readJson(Response response,
                                                                const SessionKeys& keys,
                                                                std::int64_t id) {
  const auto text = co_await io::readAll(*response, kMaxAnswerBytes);
  if (!text) co_return lower(text.error());
  auto answer = pick(*text, keys, id);
  if (!answer) co_return answer.error();
  if (!*answer) {
    co_return serverError(ErrorCode::UpstreamInvalidResponse, settings_.name,
                          "the answer is not to the request's id");
  }
  Reply reply;
  reply.message = std::move(**answer);
  co_return reply;
}

net::awaitable<Result<Reply>> StreamableHttpTransport::readStream(Response response,
                                                                  const SessionKeys& keys,
                                                                  std::int64_t id,
                                                                  Deadline deadline) {
  AnswerStream stream(std::move(response));
  unsigned attempts = 0;
  for (;;) {
    const auto data = co_await stream.next();
    if (data && *data) {
      attempts = 0;
      auto answer = pick(**data, keys, id);
      if (!answer) co_return answer.error();
      if (!*answer) continue;
      drain_(stream.release());
      Reply reply;
      reply.message = std::move(**answer);
      co_return reply;
    }
    if (!data && data.error().code != ErrorCode::UpstreamStreamTruncated &&
        data.error().code != ErrorCode::UpstreamUnreachable) {
      co_return lower(data.error());
    }
    if (stream.cursor().lastEventId().empty()) {
      co_return serverError(ErrorCode::UpstreamStreamTruncated, settings_.name,
                            "the event stream ended before the response and cannot be resumed");
    }
    const auto resumed = co_await reconnect(stream, keys, attempts, deadline);
    if (!resumed) co_return resumed.error();
  }
}

net::awaitable<Result<void>> StreamableHttpTransport::reconnect(AnswerStream& stream,
                                                                const SessionKeys& keys,
                                                                unsigned& attempts,
                                                                Deadline deadline) {
  stream.release().reset();
  for (;;) {
    if (++attempts > kMaxReconnects) {
      co_return serverError(ErrorCode::UpstreamStreamTruncated, settings_.name,
                            "the event stream broke too often");
    }
    const Deadline next = Deadline::in(stream.cursor().retry().value_or(kDefaultRetry));
    if (next.at >= deadline.at) {
      co_return serverError(ErrorCode::UpstreamTimeout, settings_.name,
                            "the event stream may be resumed only after the deadline");
    }
    net::steady_timer pause(context_, next.at);
    co_await pause.async_wait(net::use_awaitable);

    io::HttpRequest get = makeRequest("GET", keys);
    get.headers.push_back({"accept", std::string(kEventStream)});
    get.headers.push_back({"last-event-id", stream.cursor().lastEventId()});
    auto sent = co_await client_.send(std::move(get), io::timeoutsUntil(deadline));
    if (!sent) {
      if (sent.error().code != ErrorCode::UpstreamUnreachable) co_return lower(sent.error());
      continue;
    }
    Response response = std::move(*sent);
    const int status = response->status();
    if (status == 200 && isMediaType(response->header("content-type"), kEventStream)) {
      stream.replace(std::move(response));
      co_return boost::system::in_place_value;
    }
    if (status < 500) {
      co_return serverError(ErrorCode::UpstreamStreamTruncated, settings_.name,
                            "resuming the event stream gave HTTP status " + std::to_string(status));
    }
  }
}

net::awaitable<Result<Reply>> StreamableHttpTransport::readRefusal(Response response,
                                                                   bool had_session_id) {
  const int status = response->status();
  const auto text = co_await io::readAll(*response, kMaxRefusal);
  const std::string_view body = text ? std::string_view(*text) : std::string_view();
  if (!protocol::saysMcpSessionLost(status, body, had_session_id)) {
    co_return fromHttpStatus(settings_.name, status, body);
  }
  Reply reply;
  reply.session_lost = true;
  co_return reply;
}

Result<std::optional<protocol::RpcMessage>> StreamableHttpTransport::pick(std::string_view text,
                                                                          const SessionKeys& keys,
                                                                          std::int64_t id) const {
  auto messages = protocol::parseRpc(text);
  if (!messages) return lower(messages.error());
  const std::string wanted = std::to_string(id);
  std::optional<protocol::RpcMessage> answer;
  for (protocol::RpcMessage& message : *messages) {
    if (message.kind != protocol::RpcKind::Response) {
      on_message_(keys, std::move(message));
      continue;
    }
    // An error without id: the server could not read ours. Nothing else was asked here.
    const bool unnamed = message.error && (message.id.empty() || message.id == "null");
    if (message.id == wanted || unnamed) answer = std::move(message);
  }
  return answer;
}

Error StreamableHttpTransport::lower(const Error& error) const {
  return fromLowerError(settings_.name, error);
}

}  // namespace agw::mcp
