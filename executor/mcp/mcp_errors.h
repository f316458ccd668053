// What goes wrong with an MCP server, as errors whose message may go to a model: it names the
// server as the configuration does and nothing of its address. All are ErrorSource::Tool.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "protocol/json_rpc.h"

namespace agw::mcp {

// `retryable`: nothing can have reached the server. The functions below leave it false.
Error serverError(ErrorCode code, const std::string& server, std::string detail,
                  bool retryable = false);
// An error of the HTTP client or of a parser.
Error fromLowerError(const std::string& server, const Error& error);
Error fromHttpStatus(const std::string& server, int status, std::string_view body);
// The server's own words are shown for invalid parameters alone, because the model wrote those and
// can mend them.
Error fromRpcError(const std::string& server, const protocol::RpcError& error);

// What administrators see of an error: one short line.
std::string shownError(const Error& error);

// At most `limit` bytes in one line, cut between characters.
std::string oneLine(std::string_view text, std::size_t limit);

}  // namespace agw::mcp
