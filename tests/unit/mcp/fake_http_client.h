// An HttpClient that answers from a script and writes down what it was asked. No socket, no thread.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/http_client.h"

namespace agw::test {

namespace net = boost::asio;

enum class End { Clean, Truncated, Hang };

struct Canned {
  int status = 200;
  io::HttpHeaders headers;
  std::vector<std::string> pieces;
  End end = End::Clean;
  std::optional<Error> send_error;  // instead of a response
  bool never_answers = false;       // waits for the total deadline
  Millis delay{0};                  // before the response header
};

inline Canned json(std::string body, io::HttpHeaders headers = {}) {
  headers.push_back({"content-type", "application/json"});
  return Canned{.headers = std::move(headers), .pieces = {std::move(body)}, .send_error = {}};
}
inline Canned eventStream(std::vector<std::string> pieces, End end = End::Clean) {
  return Canned{.headers = {{"content-type", "text/event-stream; charset=utf-8"}},
                .pieces = std::move(pieces),
                .end = end,
                .send_error = {}};
}
inline Canned plain(int status, std::string body = {}) {
  Canned canned{.status = status, .headers = {}, .pieces = {}, .send_error = {}};
  if (!body.empty()) canned.pieces.push_back(std::move(body));
  return canned;
}
inline Canned unreachable(bool nothing_sent = true) {
  Error error = upstreamError(ErrorCode::UpstreamUnreachable, "connect to 10.0.0.7:9 refused");
  error.retryable = nothing_sent;
  return Canned{.headers = {}, .pieces = {}, .send_error = error};
}
inline Canned silent() {
  return Canned{.headers = {}, .pieces = {}, .send_error = {}, .never_answers = true};
}

class FakeHttpClient final : public io::HttpClient {
 public:
  using Handler = std::function<Canned(const io::HttpRequest& request)>;

  explicit FakeHttpClient(net::io_context& context) : context_(context) {}

  std::deque<Canned> script;  // taken from the front; when it is empty the handler answers
  Handler handler;
  std::vector<io::HttpRequest> requests;
  int open_responses = 0;
  int read_to_end = 0;

  net::awaitable<Result<std::unique_ptr<io::HttpResponse>>> send(
      io::HttpRequest request, io::HttpTimeouts timeouts) override {
    requests.push_back(request);
    Canned canned = plain(599, "the script has no answer");
    if (!script.empty()) {
      canned = std::move(script.front());
      script.pop_front();
    } else if (handler) {
      canned = handler(request);
    }
    if (canned.never_answers) {
      co_await waitUntil(timeouts.total);
      co_return upstreamError(ErrorCode::UpstreamTimeout, "no answer");
    }
    if (canned.delay.count() > 0) co_await waitUntil(Deadline::in(canned.delay));
    if (canned.send_error) co_return *canned.send_error;
    std::unique_ptr<io::HttpResponse> response =
        std::make_unique<Response>(*this, std::move(canned), timeouts.total);
    co_return response;
  }

  // The bodies of the requests whose JSON-RPC method is `method`.
  std::vector<std::string> bodiesOf(const std::string& method) const {
    std::vector<std::string> bodies;
    for (const auto& request : requests) {
      if (request.body.view().find("\"method\":\"" + method + "\"") != std::string::npos) {
        bodies.emplace_back(request.body.view());
      }
    }
    return bodies;
  }

 private:
  class Response final : public io::HttpResponse {
   public:
    Response(FakeHttpClient& client, Canned canned, Deadline total)
        : client_(client), canned_(std::move(canned)), total_(total) {
      ++client_.open_responses;
    }
    ~Response() override { --client_.open_responses; }
    int status() const override { return canned_.status; }
    std::string_view header(std::string_view name) const override {
      return io::findHeader(canned_.headers, name);
    }
    net::awaitable<Result<std::string_view>> read() override {
      if (next_ < canned_.pieces.size()) co_return std::string_view(canned_.pieces[next_++]);
      if (canned_.end == End::Truncated) {
        co_return upstreamError(ErrorCode::UpstreamStreamTruncated, "cut");
      }
      if (canned_.end == End::Hang) {
        co_await client_.waitUntil(total_);
        co_return upstreamError(ErrorCode::UpstreamTimeout, "no more bytes");
      }
      ++client_.read_to_end;
      co_return std::string_view();
    }

   private:
    FakeHttpClient& client_;
    Canned canned_;
    Deadline total_;
    std::size_t next_ = 0;
  };

  net::awaitable<void> waitUntil(Deadline deadline) {
    net::steady_timer timer(context_, deadline.at);
    co_await timer.async_wait(net::as_tuple(net::use_awaitable));
  }

  net::io_context& context_;
};

// Runs the io_context until the coroutine is done; what it started goes on with the next run.
template <class T>
T runOn(net::io_context& context, net::awaitable<T> task) {
  std::optional<T> value;
  std::exception_ptr failure;
  net::co_spawn(context, std::move(task), [&](std::exception_ptr error, T result) {
    failure = error;
    if (!error) value.emplace(std::move(result));
  });
  context.restart();
  while (!value && !failure && context.run_one() > 0) {
  }
  if (failure) std::rethrow_exception(failure);
  return std::move(*value);
}
inline void runOn(net::io_context& context, net::awaitable<void> task) {
  bool done = false;
  std::exception_ptr failure;
  net::co_spawn(context, std::move(task), [&](std::exception_ptr error) {
    failure = error;
    done = true;
  });
  context.restart();
  while (!done && context.run_one() > 0) {
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace agw::test
