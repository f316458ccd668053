// What a session does besides answering its callers: notices, answers to the server, the end.
#include <utility>

#include "mcp/mcp_errors.h"
#include "mcp/session_core.h"
#include "protocol/mcp.h"

namespace agw::mcp {
namespace {

using telemetry::Level;

constexpr std::size_t kMaxTasks = 64;  // of either kind, under way at once
constexpr Millis kNoticeTimeout{5000};
constexpr Millis kDrainLimit{1000};
constexpr std::size_t kMaxDrained = 64 * 1024;  // bytes
constexpr Millis kCloseTimeout{2000};
constexpr Millis kTaskSlack{1000};

net::awaitable<void> readToEnd(std::unique_ptr<io::HttpResponse> response) {
  std::size_t bytes = 0;
  while (bytes < kMaxDrained) {
    const auto piece = co_await response->read();
    if (!piece || piece->empty()) co_return;
    bytes += piece->size();
  }
}

}  // namespace

void SessionCore::onServerMessage(const SessionKeys& keys, protocol::RpcMessage message) {
  if (message.kind == protocol::RpcKind::Request) {
    startNotice(keys, protocol::mcpAnswerServer(message));
  } else if (message.method == "notifications/tools/list_changed") {
    invalidateTools();
  }
}

bool SessionCore::mayStart(const io::BackgroundTasks& tasks) const {
  return !closed_ && tasks.running() < kMaxTasks;
}

void SessionCore::startNotice(SessionKeys keys, std::string body) {
  if (!mayStart(notices_)) return;
  notices_.start(runNotice(shared_from_this(), std::move(keys), std::move(body)),
                 kNoticeTimeout + kTaskSlack);
}

net::awaitable<void> SessionCore::runNotice(std::shared_ptr<SessionCore> core, SessionKeys keys,
                                            std::string body) {
  const auto sent = co_await core->transport_.notify(std::move(keys), std::move(body),
                                                     Deadline::in(kNoticeTimeout));
  if (!sent) core->logFailure(Level::Debug, "mcp_notice_failed", sent.error());
}

void SessionCore::startEndSession(SessionKeys keys) {
  if (keys.id.empty() || !mayStart(notices_)) return;
  notices_.start(runEndSession(shared_from_this(), std::move(keys)), kCloseTimeout + kTaskSlack);
}

net::awaitable<void> SessionCore::runEndSession(std::shared_ptr<SessionCore> core,
                                                SessionKeys keys) {
  const auto ended =
      co_await core->transport_.endSession(std::move(keys), Deadline::in(kCloseTimeout));
  if (!ended) core->logFailure(Level::Debug, "mcp_end_failed", ended.error());
}

// A stream's end often comes just after the response: reading it lets the connection be used again.
void SessionCore::startDrain(std::unique_ptr<io::HttpResponse> response) {
  if (mayStart(work_)) work_.start(readToEnd(std::move(response)), kDrainLimit);
}

net::awaitable<void> SessionCore::close() {
  const Deadline deadline = Deadline::in(kCloseTimeout);
  work_.cancelAll();
  if (connection_) startEndSession(*connection_);
  closed_ = true;
  connection_.reset();
  co_await notices_.wait(deadline);
  notices_.cancelAll();
  co_await notices_.wait(Deadline::in(kTaskSlack));
  co_await work_.wait(Deadline::in(kTaskSlack));
}

void SessionCore::abandon() {
  closed_ = true;
  connection_.reset();
  work_.cancelAll();
  notices_.cancelAll();
}

}  // namespace agw::mcp
