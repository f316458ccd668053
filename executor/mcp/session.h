// One MCP server as the executor's client sees it. Lives on one io_context.
//
// Source: Model Context Protocol, revisions 2024-11-05 to 2025-11-25 (handshake era), streamable
// HTTP transport.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "base/error.h"
#include "config/settings.h"
#include "io/http_client.h"
#include "protocol/mcp.h"
#include "telemetry/log.h"

namespace agw::mcp {

namespace net = boost::asio;

// A tool as the server describes it.
using RemoteTool = protocol::McpTool;
// What a call gave: the text for the model and the tool's own isError.
using CallOutcome = protocol::McpCallOutcome;
// Immutable, so that a run keeps the list that it started with.
using ToolList = std::shared_ptr<const std::vector<RemoteTool>>;

struct CallOptions {
  Deadline deadline;
  std::string traceparent;  // into _meta; may be empty
};

// Failed: the last handshake failed, or the last request could not reach the server.
enum class SessionState { Idle, Connecting, Connected, Failed };

// What a session knows without asking anybody.
struct SessionStatus {
  SessionState state = SessionState::Idle;  // Idle: nobody has needed it yet, or it is closed
  ToolList tools;                           // null: never listed
  std::string protocol_version;             // of the session, when connected
  // Of the last handshake or listing, or of a request that could not reach the server; for
  // administrators.
  std::string last_error;
};

// Connects on first use and again after the session was lost. Concurrent calls share one session;
// the first does the handshake, others wait for it. A call that is cancelled or runs into its
// deadline sends notifications/cancelled; its coroutine may outlive the Session.
//
// Errors are ErrorSource::Tool, their message may go to the model. Error::retryable says that
// nothing can have reached the tool. After a failed handshake calls fail at once until a pause has
// passed (500 ms, doubling to 10 s).
class Session {
 public:
  virtual ~Session() = default;
  // From memory, until the server says that the list changed or 5 minutes have passed. When it
  // cannot be asked again, the old list goes on.
  virtual net::awaitable<Result<ToolList>> listTools(Deadline deadline) = 0;
  // Asks the server even when the list in memory is good; its error when that fails.
  virtual net::awaitable<Result<ToolList>> refreshTools(Deadline deadline) = 0;
  virtual SessionStatus status() const = 0;
  // `arguments_json` must be a JSON object; "" means {}.
  virtual net::awaitable<Result<CallOutcome>> callTool(std::string name, std::string arguments_json,
                                                       CallOptions options) = 0;
  // Ends the session on the server (DELETE), best effort and within 2 seconds. Calls afterwards
  // fail.
  virtual net::awaitable<void> close() = 0;
};

// `client` and `log` outlive the session and its calls; what calls left behind ends with close().
std::unique_ptr<Session> makeHttpSession(net::io_context& context, io::HttpClient& client,
                                         config::McpServerSettings settings, telemetry::Log& log);

}  // namespace agw::mcp
