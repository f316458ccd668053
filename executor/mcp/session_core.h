// The state of one MCP session, shared by the Session, its calls and the tasks that they leave
// behind. Lives on one io_context; every coroutine that uses it holds a shared_ptr to it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/deadline.h"
#include "base/error.h"
#include "config/settings.h"
#include "io/background_tasks.h"
#include "io/wait_list.h"
#include "mcp/session.h"
#include "mcp/streamable_http_transport.h"
#include "telemetry/log.h"

namespace agw::mcp {

struct SessionOptions {
  Millis tool_list_lifetime{5 * 60 * 1000};
  Millis first_pause{500};  // after a failed handshake; doubles with each further one
  Millis longest_pause{10000};
  unsigned max_pages = 100;  // of one tools/list
};

class SessionCore : public std::enable_shared_from_this<SessionCore> {
 public:
  SessionCore(net::io_context& context, io::HttpClient& client, config::McpServerSettings settings,
              SessionOptions options, telemetry::Log& log);

  // One request of the session: makes the handshake when there is no session, and once more when
  // the server says that it does not know the session any more.
  net::awaitable<Result<protocol::RpcMessage>> request(std::string method, std::string params_json,
                                                       Deadline deadline);
  net::awaitable<Result<ToolList>> listTools(Deadline deadline);
  net::awaitable<Result<ToolList>> refreshTools(Deadline deadline);
  SessionStatus status() const;
  net::awaitable<void> close();
  // No call may start any more and what runs in the background is cancelled. For when nobody can
  // wait.
  void abandon();

  const config::McpServerSettings& settings() const { return settings_; }

 private:
  using KeysPtr = std::shared_ptr<const SessionKeys>;
  class CancelNotice;

  net::awaitable<Result<KeysPtr>> connected(Deadline deadline);
  void startHandshake();
  static net::awaitable<void> runHandshake(std::shared_ptr<SessionCore> core);
  net::awaitable<Result<SessionKeys>> handshake(Deadline deadline);
  void handshakeFailed(Error error);
  net::awaitable<Result<Reply>> exchange(KeysPtr keys, std::string method, std::string params_json,
                                         Deadline deadline);
  void forget(const KeysPtr& keys);
  void noteReach(const Result<Reply>& reply);

  void startRefresh();
  static net::awaitable<void> runRefresh(std::shared_ptr<SessionCore> core);
  net::awaitable<Result<ToolList>> fetchTools(Deadline deadline);
  void invalidateTools() { ++tools_epoch_; }
  bool toolsAreFresh() const;

  void onServerMessage(const SessionKeys& keys, protocol::RpcMessage message);
  // Sends a message that nobody waits for, within its own short deadline; dropped when too many are
  // under way.
  void startNotice(SessionKeys keys, std::string body);
  static net::awaitable<void> runNotice(std::shared_ptr<SessionCore> core, SessionKeys keys,
                                        std::string body);
  void startEndSession(SessionKeys keys);
  static net::awaitable<void> runEndSession(std::shared_ptr<SessionCore> core, SessionKeys keys);
  void startDrain(std::unique_ptr<io::HttpResponse> response);
  bool mayStart(const io::BackgroundTasks& tasks) const;
  void logFailure(telemetry::Level level, std::string_view event, const Error& error);

  net::io_context& context_;
  const config::McpServerSettings settings_;
  const SessionOptions options_;
  telemetry::Log& log_;
  StreamableHttpTransport transport_;
  io::BackgroundTasks work_;     // handshake, refresh, drains: of no use once the session is closed
  io::BackgroundTasks notices_;  // what the server should still hear
  bool closed_ = false;
  std::int64_t last_id_ = 0;

  KeysPtr connection_;  // null: no session
  // By the last request. A session outlives that: the server may know it when it is back.
  bool is_reachable_ = true;
  bool connecting_ = false;
  io::WaitList connect_waiters_;
  Error connect_error_;  // of the last handshake
  Clock::time_point next_attempt_{};
  Millis pause_;

  ToolList tools_;  // null: never listed
  bool refreshing_ = false;
  io::WaitList refresh_waiters_;
  Error refresh_error_;
  std::string last_error_;          // "" once all is well again
  std::uint64_t tools_epoch_ = 1;   // raised when a list that was fetched before is out of date
  std::uint64_t listed_epoch_ = 0;  // the epoch at which tools_ was asked for
  Clock::time_point listed_at_{};
};

}  // namespace agw::mcp
