#include "mcp/http_session.h"

#include <utility>

#include "mcp/mcp_errors.h"
#include "protocol/mcp.h"

namespace agw::mcp {
namespace {

// The coroutines are free functions that own the core: a caller may drop the Session while they
// run.
net::awaitable<Result<ToolList>> runListTools(std::shared_ptr<SessionCore> core,
                                              Deadline deadline) {
  co_return co_await core->listTools(deadline);
}

net::awaitable<Result<ToolList>> runRefreshTools(std::shared_ptr<SessionCore> core,
                                                 Deadline deadline) {
  co_return co_await core->refreshTools(deadline);
}

net::awaitable<Result<CallOutcome>> runCallTool(std::shared_ptr<SessionCore> core, std::string name,
                                                std::string arguments_json, CallOptions options) {
  const config::McpServerSettings& settings = core->settings();
  auto params = protocol::mcpCallToolParams(name, arguments_json, options.traceparent);
  if (!params) {
    Error error = toolError(params.error().message, params.error().detail);
    error.code = params.error().code;
    error.retryable = true;  // nothing was sent
    co_return error;
  }
  const Deadline deadline = earlier(options.deadline, Deadline::in(settings.timeout));
  const auto message = co_await core->request("tools/call", std::move(*params), deadline);
  if (!message) co_return message.error();
  if (message->error) co_return fromRpcError(settings.name, *message->error);
  auto outcome = protocol::readMcpCallTool(message->result);
  if (!outcome) co_return fromLowerError(settings.name, outcome.error());
  co_return std::move(*outcome);
}

net::awaitable<void> runClose(std::shared_ptr<SessionCore> core) { co_await core->close(); }

class HttpSession final : public Session {
 public:
  explicit HttpSession(std::shared_ptr<SessionCore> core) : core_(std::move(core)) {}
  ~HttpSession() override { core_->abandon(); }

  net::awaitable<Result<ToolList>> listTools(Deadline deadline) override {
    return runListTools(core_, deadline);
  }
  net::awaitable<Result<ToolList>> refreshTools(Deadline deadline) override {
    return runRefreshTools(core_, deadline);
  }
  SessionStatus status() const override { return core_->status(); }
  net::awaitable<Result<CallOutcome>> callTool(std::string name, std::string arguments_json,
                                               CallOptions options) override {
    return runCallTool(core_, std::move(name), std::move(arguments_json), std::move(options));
  }
  net::awaitable<void> close() override { return runClose(core_); }

 private:
  std::shared_ptr<SessionCore> core_;
};

}  // namespace

std::unique_ptr<Session> makeHttpSession(net::io_context& context, io::HttpClient& client,
                                         config::McpServerSettings settings, SessionOptions options,
                                         telemetry::Log& log) {
  return std::make_unique<HttpSession>(
      std::make_shared<SessionCore>(context, client, std::move(settings), options, log));
}

std::unique_ptr<Session> makeHttpSession(net::io_context& context, io::HttpClient& client,
                                         config::McpServerSettings settings, telemetry::Log& log) {
  return makeHttpSession(context, client, std::move(settings), SessionOptions(), log);
}

}  // namespace agw::mcp
