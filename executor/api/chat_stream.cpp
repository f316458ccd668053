#include "api/chat_stream.h"

#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "api/error_reply.h"
#include "shared/edge_headers.h"

namespace agw::api {
namespace {

std::string usageComment(const std::optional<Usage>& usage) {
  if (!usage) return {};
  return std::string(kUsageComment) + formatUsage(*usage) + "\n\n";
}

}  // namespace

ChatStream::ChatStream(net::any_io_executor executor, io::ResponseWriter& response,
                       ChatStreamOptions options)
    : executor_(executor), response_(response), options_(std::move(options)), writing_(executor) {
  options_.headers.push_back({"Content-Type", "text/event-stream"});
  options_.headers.push_back({"Cache-Control", "no-cache"});
  options_.headers.push_back({"X-Accel-Buffering", "no"});
  options_.headers.push_back({std::string(header::kStream), "openai"});
}

net::awaitable<Result<void>> ChatStream::write(std::string bytes) {
  const AsyncMutex::Guard guard = co_await writing_.lock();
  last_write_ = Clock::now();
  if (response_.started()) co_return co_await response_.write(bytes);
  co_return co_await response_.start(200, std::move(options_.headers), bytes);
}

net::awaitable<Result<void>> ChatStream::end(std::string bytes) {
  const AsyncMutex::Guard guard = co_await writing_.lock();
  last_write_ = Clock::now();
  if (!response_.started()) {
    auto started = co_await response_.start(200, std::move(options_.headers), {});
    if (!started) co_return started;
  }
  co_return co_await response_.finish(bytes);
}

net::awaitable<Result<void>> ChatStream::event(std::string json) {
  return write(protocol::sseData(json));
}

net::awaitable<Result<void>> ChatStream::done(std::optional<Usage> usage, std::string usage_json) {
  std::string bytes;
  if (options_.include_usage && usage) {
    if (usage_json.empty()) usage_json = formatUsage(*usage);
    bytes += protocol::sseData(protocol::usageChunk(options_.who, usage_json));
  }
  bytes += usageComment(usage);
  bytes += "data: [DONE]\n\n";
  return end(std::move(bytes));
}

net::awaitable<Result<void>> ChatStream::fail(Error error, std::optional<Usage> usage) {
  return end(usageComment(usage) + protocol::sseData(errorJson(error)));
}

net::awaitable<void> ChatStream::keepAlive() {
  net::steady_timer timer(executor_);
  for (;;) {
    timer.expires_at(last_write_ + options_.keep_alive);
    co_await timer.async_wait(net::use_awaitable);
    if (writing_.isLocked()) {
      last_write_ =
          Clock::now();  // an event waits for the client to read: the stream is not silent
    } else if (Clock::now() >= last_write_ + options_.keep_alive) {
      const bool may_go_on = co_await writeKeepAlive();
      if (!may_go_on) co_return;
    }
  }
}

// The work beside us may end at any moment and cancel us; half a comment would spoil the stream, so
// a cancellation that arrives during the write waits for its end. False: stop.
net::awaitable<bool> ChatStream::writeKeepAlive() {
  bool cancelled = false;
  const auto note = [&cancelled](net::cancellation_type_t type) {
    cancelled = cancelled || type != net::cancellation_type::none;
    return net::cancellation_type_t(net::cancellation_type::none);
  };
  co_await net::this_coro::reset_cancellation_state(note);
  const Result<void> written = co_await write(": keep-alive\n\n");
  co_await net::this_coro::reset_cancellation_state(net::enable_terminal_cancellation());
  co_return written.has_value() && !cancelled;
}

}  // namespace agw::api
