// An HTTP client that answers each upstream by a script of its own, on the test's io_context.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/http_client.h"

namespace agw::upstream {

inline const std::string kGoodAnswer =
    R"({"choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}})";

// What comes of one request.
struct Reply {
  int status = 200;
  std::string body = kGoodAnswer;
  std::map<std::string, std::string, std::less<>> headers{{"content-type", "application/json"}};
  std::optional<Error> error{};  // instead of a response
  std::optional<Error> cut{};    // instead of the body's end
  Millis delay{0};               // before any of that

  static Reply failing(ErrorCode code, bool retryable = false) {
    Reply reply;
    reply.error = upstreamError(code, "scripted");
    reply.error->retryable = retryable;
    return reply;
  }
  static Reply refusing(int status, std::string retry_after_ms = "") {
    Reply reply;
    reply.status = status;
    reply.body = "{}";
    if (!retry_after_ms.empty()) reply.headers["retry-after-ms"] = std::move(retry_after_ms);
    return reply;
  }
  static Reply cutStream(std::string body) {
    Reply reply;
    reply.body = std::move(body);
    reply.headers["content-type"] = "text/event-stream";
    reply.cut = upstreamError(ErrorCode::UpstreamStreamTruncated, "cut");
    return reply;
  }
  static Reply slow(Millis delay) {
    Reply reply;
    reply.delay = delay;
    return reply;
  }
};

class ScriptedResponse final : public io::HttpResponse {
 public:
  explicit ScriptedResponse(Reply reply) : reply_(std::move(reply)) {}

  int status() const override { return reply_.status; }
  std::string_view header(std::string_view name) const override {
    const auto found = reply_.headers.find(name);
    return found == reply_.headers.end() ? std::string_view() : std::string_view(found->second);
  }
  net::awaitable<Result<std::string_view>> read() override {
    const bool is_first = !std::exchange(is_read_, true);
    if (is_first && !reply_.body.empty()) co_return std::string_view(reply_.body);
    if (reply_.cut) co_return *reply_.cut;
    co_return std::string_view();
  }

 private:
  Reply reply_;
  bool is_read_ = false;
};

class ScriptedClient final : public io::HttpClient {
 public:
  explicit ScriptedClient(net::io_context& context) : context_(context) {}

  net::awaitable<Result<std::unique_ptr<io::HttpResponse>>> send(io::HttpRequest request,
                                                                 io::HttpTimeouts) override {
    const std::string host = request.url.host;
    asked += host + ' ';
    bodies.emplace_back(request.body.view());
    std::deque<Reply>& script = replies[host];
    Reply reply;
    if (!script.empty()) {
      reply = script.front();
      if (script.size() > 1) script.pop_front();  // the last one goes on
    }
    if (reply.delay.count() > 0) {
      net::steady_timer timer(context_, reply.delay);
      co_await timer.async_wait(net::use_awaitable);
    }
    if (reply.error) co_return *reply.error;
    co_return std::make_unique<ScriptedResponse>(std::move(reply));
  }

  std::map<std::string, std::deque<Reply>> replies;  // by host; none: a good answer
  std::string asked;                                 // hosts, in order
  std::vector<std::string> bodies;

 private:
  net::io_context& context_;
};

}  // namespace agw::upstream
