// One MCP server as the executor's client sees it. Lives on one io_context.
//
// Source: Model Context Protocol, revisions 2024-11-05 to 2025-11-25 (handshake era), streamable HTTP transport.
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
#include "telemetry/log.h"

namespace agw::mcp {

namespace net = boost::asio;

struct RemoteTool {
  std::string name;
  std::string description;
  std::string input_schema_json;  // as the server wrote it
};

struct CallOutcome {
  std::string text;      // text parts joined by LF; structuredContent when there is no text
  bool is_error = false; // the tool's own isError
};

struct CallOptions {
  Deadline deadline;
  std::string traceparent;  // into _meta; may be empty
};

// Connects on first use and again after the session was lost. Concurrent calls share one session; the first does
// the handshake, others wait for it. Cancelling a call sends notifications/cancelled.
class Session {
 public:
  virtual ~Session() = default;
  virtual net::awaitable<Result<std::vector<RemoteTool>>> listTools(Deadline deadline) = 0;  // cached
  virtual net::awaitable<Result<CallOutcome>> callTool(std::string name, std::string arguments_json,
                                                       CallOptions options) = 0;
  // Ends the session on the server (DELETE), best effort.
  virtual net::awaitable<void> close() = 0;
};

std::unique_ptr<Session> makeHttpSession(net::io_context& context, io::HttpClient& client,
                                         config::McpServerSettings settings, telemetry::Log& log);

}  // namespace agw::mcp
