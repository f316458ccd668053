#include "upstream/openai_backend.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

#include "protocol/sse.h"
#include "upstream/credential.h"
#include "upstream/retry_policy.h"
#include "upstream/upstream_errors.h"

namespace agw::upstream {
namespace {

constexpr std::size_t kMaxAnswer = 32 << 20;
constexpr std::size_t kMaxErrorBody = 64 << 10;
// How long after [DONE] the end of the body is waited for.
constexpr Millis kEndOfBody{100};

using boost::asio::experimental::awaitable_operators::operator||;

// A whole JSON answer: one chunk, then the end. Also serves an upstream that answers JSON though a
// stream was asked.
class JsonAnswer final : public ChatAnswer {
 public:
  explicit JsonAnswer(std::string body) : body_(std::move(body)) {}

  net::awaitable<Result<std::optional<protocol::ChatChunk>>> next() override {
    if (std::exchange(given_, true)) co_return std::optional<protocol::ChatChunk>();
    Result<protocol::ChatChunk> chunk = protocol::parseChatChunk(body_);
    if (!chunk) co_return chunk.error();
    if (!chunk->has_choice || !chunk->whole_message) {
      co_return upstreamError(ErrorCode::UpstreamInvalidResponse,
                              "The upstream's answer holds no message.");
    }
    co_return std::optional<protocol::ChatChunk>(std::move(*chunk));
  }

 private:
  std::string body_;
  bool given_ = false;
};

class SseAnswer final : public ChatAnswer {
 public:
  explicit SseAnswer(std::unique_ptr<io::HttpResponse> response) : response_(std::move(response)) {}

  net::awaitable<Result<std::optional<protocol::ChatChunk>>> next() override {
    for (;;) {
      Result<std::optional<protocol::SseEvent>> event = co_await nextEvent();
      if (!event) co_return event.error();
      if (!*event) co_return end();
      if ((*event)->data == "[DONE]") co_return co_await finishBody();
      data_ = std::move((*event)->data);
      Result<protocol::ChatChunk> chunk = protocol::parseChatChunk(data_);
      if (!chunk) co_return chunk.error();
      if (!chunk->finish_reason.empty()) finished_ = true;
      co_return std::optional<protocol::ChatChunk>(std::move(*chunk));
    }
  }

 private:
  net::awaitable<Result<std::optional<protocol::SseEvent>>> nextEvent() {
    for (;;) {
      Result<std::optional<protocol::SseEvent>> event = parser_.next();
      if (!event || *event) co_return event;
      if (ended_) co_return parser_.finish();
      const Result<std::string_view> bytes = co_await response_->read();
      if (!bytes) {
        // After finish_reason the answer is whole, however the connection ends.
        if (finished_ && bytes.error().code == ErrorCode::UpstreamStreamTruncated) {
          co_return std::optional<protocol::SseEvent>();
        }
        co_return bytes.error();
      }
      if (bytes->empty()) {
        ended_ = true;
      } else {
        parser_.feed(*bytes);
      }
    }
  }

  Result<std::optional<protocol::ChatChunk>> end() const {
    if (finished_) return std::optional<protocol::ChatChunk>();
    return upstreamError(ErrorCode::UpstreamStreamTruncated,
                         "The upstream's stream ended before the answer was complete.");
  }

  // Reads the end of the body after [DONE], so that the connection can be used again. A server that
  // keeps the body open does not hold the client up: its connection is closed instead.
  net::awaitable<Result<std::optional<protocol::ChatChunk>>> finishBody() {
    if (!finished_) co_return end();
    if (!ended_) {
      const auto executor = co_await net::this_coro::executor;
      net::steady_timer patience(executor, kEndOfBody);
      const auto first = co_await (response_->read() || patience.async_wait(net::use_awaitable));
      ended_ = first.index() == 0;
    }
    co_return std::optional<protocol::ChatChunk>();
  }

  std::unique_ptr<io::HttpResponse> response_;
  protocol::SseParser parser_;
  std::string data_;  // what the last chunk's views point into
  bool ended_ = false;
  bool finished_ = false;
};

// A JSON answer whose header has come: the answer has begun, so that an error of its body is no
// reason to make the call again.
class BegunJsonAnswer final : public ChatAnswer {
 public:
  explicit BegunJsonAnswer(std::unique_ptr<io::HttpResponse> response)
      : response_(std::move(response)) {}

  net::awaitable<Result<std::optional<protocol::ChatChunk>>> next() override {
    if (!whole_) {
      Result<std::string> body = co_await io::readAll(*response_, kMaxAnswer);
      if (!body) co_return body.error();
      whole_ = std::make_unique<JsonAnswer>(std::move(*body));
    }
    co_return co_await whole_->next();
  }

 private:
  const std::unique_ptr<io::HttpResponse> response_;
  std::unique_ptr<JsonAnswer> whole_;
};

bool isEventStream(std::string_view content_type) {
  return content_type.starts_with("text/event-stream");
}

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
    io::HttpRequest request = makeRequest(std::move(call));
    Result<std::unique_ptr<io::HttpResponse>> response =
        co_await client_.send(std::move(request), timeouts);
    if (!response) co_return response.error();
    if ((*response)->status() != 200) co_return co_await refusal(**response);
    if (isEventStream((*response)->header("content-type")) ||
        (stream && (*response)->header("content-type").empty())) {
      co_return std::make_unique<SseAnswer>(std::move(*response));
    }
    co_return std::make_unique<BegunJsonAnswer>(std::move(*response));
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
