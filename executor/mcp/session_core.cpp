#include "mcp/session_core.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "mcp/mcp_errors.h"
#include "protocol/json_rpc.h"
#include "protocol/mcp.h"

namespace agw::mcp {
namespace {

using telemetry::Level;

// A task's own deadline ends it; this is added for the limit that cancels one which missed it.
constexpr Millis kTaskSlack{1000};

}  // namespace

// Tells the server that nobody waits for a request any more, unless it was answered: also when the
// coroutine is cancelled or destroyed.
class SessionCore::CancelNotice {
 public:
  CancelNotice(std::shared_ptr<SessionCore> core, KeysPtr keys, std::int64_t id)
      : core_(std::move(core)), keys_(std::move(keys)), id_(id) {}
  CancelNotice(const CancelNotice&) = delete;
  CancelNotice& operator=(const CancelNotice&) = delete;
  ~CancelNotice() {
    if (armed_) core_->startNotice(*keys_, protocol::mcpCancelled(id_, reason_));
  }
  void disarm() { armed_ = false; }
  void setReason(std::string_view reason) { reason_ = reason; }

 private:
  std::shared_ptr<SessionCore> core_;
  KeysPtr keys_;
  std::int64_t id_;
  std::string_view reason_ = "the request was cancelled";
  bool armed_ = true;
};

SessionCore::SessionCore(net::io_context& context, io::HttpClient& client,
                         config::McpServerSettings settings, SessionOptions options,
                         telemetry::Log& log)
    : context_(context),
      settings_(std::move(settings)),
      options_(options),
      log_(log),
      transport_(
          context, client, settings_,
          [this](const SessionKeys& keys, protocol::RpcMessage message) {
            onServerMessage(keys, std::move(message));
          },
          [this](std::unique_ptr<io::HttpResponse> response) { startDrain(std::move(response)); }),
      work_(context,
            [this](std::string_view what) {
              log_.write(Level::Error, "mcp_task_failed",
                         {{"mcp_server", settings_.name}, {"detail", what}});
            }),
      notices_(context,
               [this](std::string_view what) {
                 log_.write(Level::Error, "mcp_task_failed",
                            {{"mcp_server", settings_.name}, {"detail", what}});
               }),
      connect_waiters_(context),
      pause_(options.first_pause),
      refresh_waiters_(context) {}

net::awaitable<Result<protocol::RpcMessage>> SessionCore::request(std::string method,
                                                                  std::string params_json,
                                                                  Deadline deadline) {
  for (int attempt = 1;; ++attempt) {
    const Result<KeysPtr> keys = co_await connected(deadline);
    if (!keys) co_return keys.error();
    auto reply = co_await exchange(*keys, method, params_json, deadline);
    if (!reply) co_return reply.error();
    if (!reply->session_lost) co_return std::move(reply->message);
    forget(*keys);
    if (attempt == 2) {
      co_return serverError(ErrorCode::UpstreamInvalidResponse, settings_.name,
                            "a fresh session is not known to the server", true);
    }
  }
}

net::awaitable<Result<Reply>> SessionCore::exchange(KeysPtr keys, std::string method,
                                                    std::string params_json, Deadline deadline) {
  const std::int64_t id = ++last_id_;
  CancelNotice notice(shared_from_this(), keys, id);
  std::string body = protocol::rpcRequest(id, method, params_json);
  auto reply = co_await transport_.request(*keys, id, std::move(body), deadline);
  const net::cancellation_state state = co_await net::this_coro::cancellation_state;
  const bool cancelled = state.cancelled() != net::cancellation_type::none;
  if (!reply && !cancelled && reply.error().code == ErrorCode::UpstreamTimeout &&
      !reply.error().retryable) {
    notice.setReason("the request timed out");
  } else if (reply || !cancelled) {
    notice.disarm();
  }
  if (!cancelled) noteReach(reply);
  co_return reply;
}

void SessionCore::noteReach(const Result<Reply>& reply) {
  if (reply && !is_reachable_) {
    is_reachable_ = true;
    last_error_.clear();
  } else if (!reply && reply.error().code == ErrorCode::UpstreamUnreachable) {
    is_reachable_ = false;
    last_error_ = shownError(reply.error());
  }
}

void SessionCore::forget(const KeysPtr& keys) {
  if (connection_ != keys) return;  // another call has noticed it before
  connection_.reset();
  invalidateTools();
  log_.write(Level::Warn, "mcp_session_lost", {{"mcp_server", settings_.name}});
}

net::awaitable<Result<SessionCore::KeysPtr>> SessionCore::connected(Deadline deadline) {
  if (connection_) co_return connection_;
  if (closed_) {
    co_return serverError(ErrorCode::UpstreamUnreachable, settings_.name, "the session is closed",
                          true);
  }
  if (!connecting_) {
    if (Clock::now() < next_attempt_) co_return connect_error_;
    startHandshake();
  }
  while (connecting_) {
    const bool woken = co_await connect_waiters_.wait(deadline);
    if (!woken) break;
  }
  if (connection_) co_return connection_;
  if (connecting_) {
    co_return serverError(ErrorCode::UpstreamTimeout, settings_.name,
                          "the handshake took longer than the call may", true);
  }
  co_return connect_error_;
}

void SessionCore::startHandshake() {
  connecting_ = true;
  work_.start(runHandshake(shared_from_this()), settings_.timeout + kTaskSlack);
}

// Its own task: the callers that wait for it may come and go.
net::awaitable<void> SessionCore::runHandshake(std::shared_ptr<SessionCore> core) {
  struct Finish {
    SessionCore& core;
    ~Finish() {
      core.connecting_ = false;
      core.connect_waiters_.wakeAll();
    }
  };
  core->connect_error_ = serverError(ErrorCode::UpstreamUnreachable, core->settings_.name,
                                     "the handshake was cancelled", true);
  const Finish finish{*core};
  auto keys = co_await core->handshake(Deadline::in(core->settings_.timeout));
  if (!keys) {
    core->handshakeFailed(keys.error());
    co_return;
  }
  core->pause_ = core->options_.first_pause;
  core->last_error_.clear();
  core->is_reachable_ = true;
  core->connection_ = std::make_shared<const SessionKeys>(std::move(*keys));
}

net::awaitable<Result<SessionKeys>> SessionCore::handshake(Deadline deadline) {
  const std::int64_t id = ++last_id_;
  const auto reply =
      co_await transport_.request(SessionKeys(), id, protocol::mcpInitialize(id), deadline);
  if (!reply) co_return reply.error();
  if (reply->session_lost) {
    co_return serverError(ErrorCode::UpstreamInvalidResponse, settings_.name,
                          "the server wants a session before initialize");
  }
  if (reply->message.error) co_return fromRpcError(settings_.name, *reply->message.error);

  SessionKeys keys;
  keys.id = reply->session_id;
  if (!keys.id.empty() && !protocol::isValidMcpSessionId(keys.id)) {
    co_return serverError(ErrorCode::UpstreamInvalidResponse, settings_.name,
                          "the session id is no short visible ASCII");
  }
  const auto hello = protocol::readMcpInitialize(reply->message.result);
  if (!hello) {
    startEndSession(keys);
    Error error = fromLowerError(settings_.name, hello.error());
    error.message = "The MCP server \"" + settings_.name +
                    "\" speaks no protocol revision that this gateway knows.";
    co_return error;
  }
  keys.version = hello->version;
  const auto told = co_await transport_.notify(keys, protocol::mcpInitialized(), deadline);
  if (!told) {
    startEndSession(keys);
    co_return told.error();
  }
  log_.write(Level::Info, "mcp_connected",
             {{"mcp_server", settings_.name},
              {"protocol_version", keys.version},
              {"server_name", oneLine(hello->server_name, 100)},
              {"has_session", !keys.id.empty()}});
  co_return keys;
}

void SessionCore::handshakeFailed(Error error) {
  error.retryable = true;  // no tool was called
  last_error_ = shownError(error);
  next_attempt_ = Clock::now() + pause_;
  logFailure(Level::Warn, "mcp_connect_failed", error);
  pause_ = std::min(pause_ * 2, options_.longest_pause);
  connect_error_ = std::move(error);
}

void SessionCore::logFailure(Level level, std::string_view event, const Error& error) {
  log_.write(level, event,
             {{"mcp_server", settings_.name},
              {"code", errorEntry(error.code).name},
              {"detail", error.detail}});
}

}  // namespace agw::mcp
