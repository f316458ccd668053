// The tool list of a session and its cache.
#include <set>
#include <utility>

#include "mcp/mcp_errors.h"
#include "mcp/session_core.h"
#include "protocol/json_rpc.h"
#include "protocol/mcp.h"

namespace agw::mcp {
namespace {

using telemetry::Level;

constexpr std::size_t kMaxTools = 10000;
constexpr Millis kTaskSlack{1000};

}  // namespace

bool SessionCore::toolsAreFresh() const {
  return tools_ && listed_epoch_ == tools_epoch_ &&
         Clock::now() - listed_at_ < options_.tool_list_lifetime;
}

net::awaitable<Result<ToolList>> SessionCore::listTools(Deadline deadline) {
  if (toolsAreFresh()) co_return tools_;
  if (closed_) {
    co_return serverError(ErrorCode::UpstreamUnreachable, settings_.name, "the session is closed",
                          true);
  }
  if (!refreshing_) startRefresh();
  while (refreshing_) {
    const bool woken = co_await refresh_waiters_.wait(deadline);
    if (!woken) break;
  }
  if (tools_) co_return tools_;
  if (refreshing_) {
    co_return serverError(ErrorCode::UpstreamTimeout, settings_.name,
                          "tools/list took longer than the caller may", true);
  }
  co_return refresh_error_;
}

net::awaitable<Result<ToolList>> SessionCore::refreshTools(Deadline deadline) {
  invalidateTools();
  const auto tools = co_await listTools(deadline);
  // An old list goes on for those who need one, which the caller is not.
  if (tools && !toolsAreFresh()) co_return refresh_error_;
  co_return tools;
}

SessionStatus SessionCore::status() const {
  SessionStatus status;
  status.tools = tools_;
  status.last_error = last_error_;
  if (connection_ && is_reachable_) {
    status.state = SessionState::Connected;
    status.protocol_version = connection_->version;
  } else if (connecting_) {
    status.state = SessionState::Connecting;
  } else if (!last_error_.empty()) {
    status.state = SessionState::Failed;
  }
  return status;
}

void SessionCore::startRefresh() {
  refreshing_ = true;
  // Handshake and listing have the server's timeout each.
  work_.start(runRefresh(shared_from_this()), settings_.timeout * 2 + kTaskSlack);
}

net::awaitable<void> SessionCore::runRefresh(std::shared_ptr<SessionCore> core) {
  struct Finish {
    SessionCore& core;
    ~Finish() {
      core.refreshing_ = false;
      core.refresh_waiters_.wakeAll();
    }
  };
  core->refresh_error_ = serverError(ErrorCode::UpstreamUnreachable, core->settings_.name,
                                     "tools/list was cancelled", true);
  const Finish finish{*core};
  auto tools = co_await core->fetchTools(Deadline::in(core->settings_.timeout * 2));
  core->last_error_ = tools ? std::string() : shownError(tools.error());
  if (!tools) {
    core->logFailure(Level::Warn, "mcp_list_failed", tools.error());
    core->refresh_error_ = tools.error();
    co_return;
  }
  core->tools_ = std::move(*tools);
}

net::awaitable<Result<ToolList>> SessionCore::fetchTools(Deadline deadline) {
  auto tools = std::make_shared<std::vector<RemoteTool>>();
  std::set<std::string> cursors;  // a server that gives one twice would be asked for ever
  std::string cursor;
  // A change that is announced while pages arrive makes this list old again. A session that is lost
  // on the way raises the epoch as well, which costs one more listing.
  std::uint64_t epoch = 0;
  for (unsigned page_count = 1;; ++page_count) {
    const Result<KeysPtr> keys = co_await connected(deadline);
    if (!keys) co_return keys.error();
    if (page_count == 1) epoch = tools_epoch_;
    const auto message =
        co_await request("tools/list", protocol::mcpListToolsParams(cursor), deadline);
    if (!message) co_return message.error();
    if (message->error) {
      // A server without tools need not know the method.
      if (message->error->code == protocol::kRpcMethodNotFound) break;
      co_return fromRpcError(settings_.name, *message->error);
    }
    auto page = protocol::readMcpToolPage(message->result);
    if (!page) co_return fromLowerError(settings_.name, page.error());
    for (RemoteTool& tool : page->tools) {
      if (tools->size() < kMaxTools) tools->push_back(std::move(tool));
    }
    cursor = std::move(page->next_cursor);
    if (cursor.empty()) break;
    if (page_count == options_.max_pages || tools->size() == kMaxTools ||
        !cursors.insert(cursor).second) {
      log_.write(Level::Warn, "mcp_list_cut",
                 {{"mcp_server", settings_.name}, {"tools", tools->size()}});
      break;
    }
  }
  listed_epoch_ = epoch;
  listed_at_ = Clock::now();
  co_return ToolList(std::move(tools));
}

}  // namespace agw::mcp
