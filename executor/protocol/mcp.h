// The Model Context Protocol's messages, as its client writes and reads them. Pure.
//
// Source: revisions 2024-11-05, 2025-03-26, 2025-06-18 and 2025-11-25 (the handshake era).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "protocol/json_rpc.h"

namespace agw::protocol {

inline constexpr std::string_view kMcpLatestVersion = "2025-11-25";

// Whether we speak this revision.
bool isKnownMcpVersion(std::string_view version) noexcept;

struct McpServerHello {
  std::string version;      // agreed protocol revision
  std::string server_name;  // as the server says; for the log
};

struct McpTool {
  std::string name;
  std::string description;
  std::string input_schema_json;  // as the server wrote it; "" when it gave none
};

struct McpToolPage {
  std::vector<McpTool> tools;
  std::string next_cursor;  // "" on the last page
};

struct McpCallOutcome {
  std::string text;       // text parts joined by LF; structuredContent when there is no text
  bool is_error = false;  // the tool's own isError
};

std::string mcpInitialize(std::int64_t id);
std::string mcpInitialized();
// The params of tools/list.
std::string mcpListToolsParams(std::string_view cursor);
// The params of tools/call. InvalidJson or InvalidRequest when `arguments_json` is not one JSON
// object: it is spliced into the message, so nothing else may pass. Empty means {}. An empty
// traceparent is left out.
Result<std::string> mcpCallToolParams(std::string_view name, std::string_view arguments_json,
                                      std::string_view traceparent);
std::string mcpCancelled(std::int64_t request_id, std::string_view reason);
// What a client without optional capabilities says to a request of the server.
std::string mcpAnswerServer(const RpcMessage& request);

// These read the `result` of a response. Errors: UpstreamInvalidResponse, for the log.
Result<McpServerHello> readMcpInitialize(std::string_view result_json);
// Entries without a usable name are left out.
Result<McpToolPage> readMcpToolPage(std::string_view result_json);
// Content that is no text becomes a short mark such as "[image image/png, 1234 bytes]".
Result<McpCallOutcome> readMcpCallTool(std::string_view result_json);

// Whether a refusal of a request that carried a session (or followed a handshake) says that the
// server does not know the session any more, so that the request was not processed.
bool saysMcpSessionLost(int http_status, std::string_view body, bool had_session_id);

// Session ids become header values: visible ASCII only, at most 1024 bytes.
bool isValidMcpSessionId(std::string_view id) noexcept;

}  // namespace agw::protocol
