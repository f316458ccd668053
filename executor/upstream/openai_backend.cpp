#include "upstream/openai_backend.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

#include "protocol/answer_shield.h"
#include "upstream/credential.h"
#include "upstream/retry_policy.h"
#include "upstream/upstream_errors.h"

namespace agw::upstream {
namespace {

constexpr std::size_t kMaxErrorBody = 64 << 10;
// How long after [DONE] the end of the body is waited for.
constexpr Millis kEndOfBody{100};

using boost::asio::experimental::awaitable_operators::operator||;

// The body of a 200, read through the shield.
class OpenAiAnswer final : public ChatAnswer {
 public:
  OpenAiAnswer(std::unique_ptr<io::HttpResponse> response, bool stream, bool tools_only)
      : response_(std::move(response)),
        shield_({stream,
                 std::string(response_->header("content-type")),
                 std::string(response_->header("content-encoding")),
                 {.tools_only = tools_only}}) {}

  net::awaitable<Result<std::optional<protocol::ChatChunk>>> next() override {
    for (;;) {
      Result<std::optional<protocol::ChatChunk>> chunk = shield_.next();
      if (!chunk || *chunk) co_return chunk;
      if (shield_.isOver()) co_return co_await finishBody();
      const Result<std::string_view> bytes = co_await response_->read();
      if (!bytes) {
        shield_.broken(bytes.error());
        ended_ = true;
      } else if (bytes->empty()) {
        shield_.end();
        ended_ = true;
      } else {
        shield_.feed(*bytes);
      }
    }
  }

 private:
  // Reads the end of the body after [DONE], so that the connection can be used again. A server that
  // keeps the body open does not hold the client up: its connection is closed instead.
  net::awaitable<Result<std::optional<protocol::ChatChunk>>> finishBody() {
    if (!std::exchange(ended_, true)) {
      const auto executor = co_await net::this_coro::executor;
      net::steady_timer patience(executor, kEndOfBody);
      co_await (response_->read() || patience.async_wait(net::use_awaitable));
    }
    co_return std::optional<protocol::ChatChunk>();
  }

  std::unique_ptr<io::HttpResponse> response_;
  protocol::AnswerShield shield_;
  bool ended_ = false;  // nothing more is read
};

std::optional<Millis> retryAfter(const io::HttpResponse& response) {
  return parseRetryAfter(response.header("retry-after"), response.header("retry-after-ms"),
                         std::chrono::system_clock::now());
}

class OpenAiBackend final : public ChatBackend {
 public:
  OpenAiBackend(io::HttpClient& client, const config::UpstreamSettings& settings)
      : client_(client),
        settings_(settings),
        url_(withPath(settings.base_url, "/chat/completions")) {}

  net::awaitable<Result<std::unique_ptr<ChatAnswer>>> open(ChatCall call) override {
    const io::HttpTimeouts timeouts{settings_.connect_timeout, settings_.first_byte_timeout,
                                    settings_.idle_timeout, call.deadline};
    const bool stream = call.stream;
    const bool tools_only = call.tools_only;
    io::HttpRequest request = makeRequest(std::move(call));
    Result<std::unique_ptr<io::HttpResponse>> response =
        co_await client_.send(std::move(request), timeouts);
    if (!response) co_return response.error();
    if ((*response)->status() != 200) co_return co_await refusal(**response);
    co_return std::make_unique<OpenAiAnswer>(std::move(*response), stream, tools_only);
  }

 private:
  io::HttpRequest makeRequest(ChatCall call) const {
    io::HttpRequest request;
    request.url = url_;
    request.headers = credentialHeaders(settings_);
    request.headers.push_back({"Content-Type", "application/json"});
    request.headers.push_back({"Accept", call.stream ? "text/event-stream" : "application/json"});
    if (!call.request_id.empty()) request.headers.push_back({"X-Request-Id", call.request_id});
    if (!call.traceparent.empty()) request.headers.push_back({"traceparent", call.traceparent});
    request.body = std::move(call.body);
    return request;
  }

  static net::awaitable<Error> refusal(io::HttpResponse& response) {
    const Result<std::string> body = co_await io::readAll(response, kMaxErrorBody);
    co_return upstreamStatusError(response.status(), body ? *body : std::string(),
                                  retryAfter(response));
  }

  io::HttpClient& client_;
  const config::UpstreamSettings& settings_;
  Url url_;
};

}  // namespace

std::unique_ptr<ChatBackend> makeOpenAiBackend(io::HttpClient& client,
                                               const config::UpstreamSettings& settings) {
  return std::make_unique<OpenAiBackend>(client, settings);
}

}  // namespace agw::upstream
