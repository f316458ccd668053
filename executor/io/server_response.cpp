#include "io/server_response.h"

#include <boost/asio/write.hpp>
#include <boost/beast/http/status.hpp>
#include <charconv>

#include "io/coro.h"

namespace agw::io {
namespace {

bool isFraming(std::string_view name) {
  return sameHeaderName(name, "Content-Length") || sameHeaderName(name, "Transfer-Encoding") ||
         sameHeaderName(name, "Connection");
}

const net::const_buffer kCrLf{"\r\n", 2};
const net::const_buffer kLastChunk{"0\r\n\r\n", 5};

// The line before a chunk's bytes. Lives as long as the write.
class ChunkSize {
 public:
  net::const_buffer line(std::size_t size) {
    char* end = std::to_chars(text_.data(), text_.data() + 16, size, 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    return net::buffer(text_.data(), static_cast<std::size_t>(end - text_.data()));
  }

 private:
  std::array<char, 18> text_;
};

Error clientGone(std::string_view why) {
  return clientError(ErrorCode::RunCancelled, std::string(why));
}

}  // namespace

// The status line and the handler's fields; the caller adds framing and the empty line.
Result<std::string> ServerResponse::makeHead(int status, const HttpHeaders& headers) {
  std::string head;
  head.reserve(256);
  head.append("HTTP/1.1 ").append(std::to_string(status)).append(" ");
  const auto reason = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
  head.append(reason.data(), reason.size()).append("\r\n");
  for (const HttpHeader& header : headers) {
    if (!validHeader(header)) {
      phase_ = Phase::Failed;
      return gatewayError(ErrorCode::InternalError, "internal error",
                          "invalid response header field");
    }
    if (isFraming(header.name)) {
      if (sameHeaderName(header.value, "close")) framing_.keep_alive = false;
      continue;
    }
    appendHeader(head, header.name, header.value);
  }
  bodiless_ = framing_.head || status == 204 || status == 304;
  if (connection_.state_->draining.load(std::memory_order_relaxed)) framing_.keep_alive = false;
  return head;
}

net::awaitable<Result<void>> ServerResponse::send(int status, HttpHeaders headers,
                                                  std::string body) {
  if (started()) co_return outOfOrder();
  Result<std::string> head = makeHead(status, headers);
  if (!head) co_return head.error();
  if (status != 204 && status != 304)
    appendHeader(*head, "Content-Length", std::to_string(body.size()));
  head->append(connectionLine()).append("\r\n");
  const Buffers buffers{net::buffer(*head), bodiless_ ? net::const_buffer() : net::buffer(body)};
  co_return co_await writeAll(buffers, Phase::Complete);
}

net::awaitable<Result<void>> ServerResponse::start(int status, HttpHeaders headers,
                                                   std::string_view first) {
  if (started()) co_return outOfOrder();
  // HTTP/1.0 has no chunks: there the end of the connection is the end of the body.
  if (!framing_.http11) framing_.keep_alive = false;
  Result<std::string> head = makeHead(status, headers);
  if (!head) co_return head.error();
  if (framing_.http11 && status != 204 && status != 304) {
    appendHeader(*head, "Transfer-Encoding", "chunked");
  }
  head->append(connectionLine()).append("\r\n");
  Buffers buffers{net::buffer(*head)};
  ChunkSize size;
  if (!first.empty() && !bodiless_) {
    if (framing_.http11) {
      buffers = {buffers[0], size.line(first.size()), net::buffer(first), kCrLf};
    } else {
      buffers[1] = net::buffer(first);
    }
  }
  co_return co_await writeAll(buffers, Phase::Streaming);
}

net::awaitable<Result<void>> ServerResponse::write(std::string_view bytes) {
  if (phase_ != Phase::Streaming) co_return outOfOrder();
  if (bytes.empty() || bodiless_) co_return Result<void>();
  Buffers buffers{net::buffer(bytes)};
  ChunkSize size;
  if (framing_.http11) buffers = {size.line(bytes.size()), net::buffer(bytes), kCrLf};
  co_return co_await writeAll(buffers, Phase::Streaming);
}

net::awaitable<Result<void>> ServerResponse::finish(std::string_view last) {
  if (phase_ != Phase::Streaming) co_return outOfOrder();
  if (bodiless_ || (!framing_.http11 && last.empty())) {
    phase_ = Phase::Complete;
    co_return Result<void>();
  }
  Buffers buffers{net::buffer(last)};
  ChunkSize size;
  if (framing_.http11) {
    buffers = {kLastChunk};
    if (!last.empty()) buffers = {size.line(last.size()), net::buffer(last), kCrLf, kLastChunk};
  }
  co_return co_await writeAll(buffers, Phase::Complete);
}

net::awaitable<Result<void>> ServerResponse::writeAll(Buffers buffers, Phase next) {
  // Until the write has come to its end the response counts as broken: cancelling it leaves half a
  // message.
  phase_ = Phase::Failed;
  DeadlineTimer& timer = connection_.timer_;
  timer.expireIn(connection_.state_->options.write_timeout);
  const auto [error, written] = co_await net::async_write(connection_.socket_, buffers, kAsTuple);
  const bool timed_out = timer.expired();
  timer.clear();
  if (error) {
    co_return clientGone(timed_out ? "the client does not read its response"
                                   : "the client is gone");
  }
  phase_ = next;
  co_return Result<void>();
}

std::string_view ServerResponse::connectionLine() const {
  if (!framing_.keep_alive) return "Connection: close\r\n";
  return framing_.http11 ? "" : "Connection: keep-alive\r\n";
}

// A call after a failed write, or a handler that breaks the order of calls; the latter makes the
// response unusable, so that the connection is closed.
Error ServerResponse::outOfOrder() {
  if (phase_ == Phase::Failed) return clientGone("the client is gone");
  if (phase_ != Phase::Complete) phase_ = Phase::Failed;
  return gatewayError(ErrorCode::InternalError, "internal error",
                      "calls on a response out of order");
}

}  // namespace agw::io
