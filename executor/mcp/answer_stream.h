// The event stream that answers one request, over all the connections that it takes to read it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "io/http_client.h"
#include "protocol/sse.h"
#include "protocol/sse_cursor.h"

namespace agw::mcp {

namespace net = boost::asio;

inline constexpr std::size_t kMaxAnswerBytes = 4 * 1024 * 1024;   // one message
inline constexpr std::size_t kMaxStreamBytes = 16 * 1024 * 1024;  // all messages of one answer

class AnswerStream {
 public:
  explicit AnswerStream(std::unique_ptr<io::HttpResponse> response);

  // The data of the next message event; nothing when the stream has ended. Errors are the HTTP
  // client's and the parser's.
  net::awaitable<Result<std::optional<std::string>>> next();

  const protocol::SseCursor& cursor() const { return cursor_; }
  // Goes on with another connection.
  void replace(std::unique_ptr<io::HttpResponse> response);
  // Gives the connection away; nothing can be read afterwards.
  std::unique_ptr<io::HttpResponse> release() { return std::move(response_); }

 private:
  Result<std::optional<std::string>> nextParsed();
  std::optional<std::string> lastEvent();

  std::unique_ptr<io::HttpResponse> response_;
  protocol::SseParser parser_;
  protocol::SseCursor cursor_;
  std::size_t bytes_ = 0;
  bool ended_ = false;
};

// "text/event-stream; charset=utf-8" is "text/event-stream".
bool isMediaType(std::string_view content_type, std::string_view wanted);

}  // namespace agw::mcp
