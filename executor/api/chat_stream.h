// The event stream of one chat completion: opens late, keeps the connection alive, and ends in
// exactly one way.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/async_mutex.h"
#include "base/deadline.h"
#include "base/error.h"
#include "io/http_server.h"
#include "protocol/openai_answer.h"

namespace agw::api {

namespace net = boost::asio;

struct ChatStreamOptions {
  protocol::AnswerIdentity who;
  bool include_usage = false;  // the client asked for the usage chunk
  Millis keep_alive{15000};
  io::HttpHeaders headers;  // beside the stream's own
};

// The status line goes out with the first event, or with the first keep-alive comment when that
// comes earlier: until then an error can still be an HTTP status.
class ChatStream {
 public:
  ChatStream(net::any_io_executor executor, io::ResponseWriter& response,
             ChatStreamOptions options);

  const protocol::AnswerIdentity& who() const { return options_.who; }
  bool started() const { return response_.started(); }

  net::awaitable<Result<void>> event(std::string json);
  // Usage chunk where asked for, usage comment for the edge, [DONE], end. `usage_json` is the
  // chunk's usage where it has more than the counts.
  net::awaitable<Result<void>> done(std::optional<Usage> usage, std::string usage_json = {});
  // Usage comment, one error event, end without [DONE]. Only once started.
  net::awaitable<Result<void>> fail(Error error, std::optional<Usage> usage);
  // Writes ": keep-alive" whenever the stream was silent for the interval. Runs beside the work
  // until it is cancelled, but never stops inside a write; returns when the client is gone.
  net::awaitable<void> keepAlive();

 private:
  net::awaitable<Result<void>> write(std::string bytes);
  net::awaitable<Result<void>> end(std::string bytes);
  net::awaitable<bool> writeKeepAlive();

  net::any_io_executor executor_;
  io::ResponseWriter& response_;
  ChatStreamOptions options_;
  AsyncMutex writing_;
  Clock::time_point last_write_ = Clock::now();
};

}  // namespace agw::api
