#include "mcp/mcp_errors.h"

#include <algorithm>
#include <utility>

namespace agw::mcp {
namespace {

constexpr std::size_t kMaxShown = 500;   // bytes of the server's words in a message
constexpr std::size_t kMaxLogged = 300;  // bytes of them in a log line

const char* whatHappened(ErrorCode code) {
  switch (code) {
    case ErrorCode::UpstreamUnreachable:
      return " cannot be reached.";
    case ErrorCode::UpstreamTimeout:
      return " did not answer in time.";
    case ErrorCode::UpstreamStreamTruncated:
      return " broke off its answer.";
    case ErrorCode::UpstreamAuth:
      return " refused the gateway's credentials.";
    case ErrorCode::UpstreamInvalidResponse:
      return " gave an answer that cannot be used.";
    default:
      return " failed.";
  }
}

std::string named(const std::string& server) { return "The MCP server \"" + server + "\""; }

}  // namespace

std::string oneLine(std::string_view text, std::size_t limit) {
  std::size_t end = std::min(text.size(), limit);
  while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
    --end;
  }
  std::string out(text.substr(0, end));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return out;
}

Error serverError(ErrorCode code, const std::string& server, std::string detail, bool retryable) {
  Error error = toolError(named(server) + whatHappened(code), std::move(detail));
  error.code = code;
  error.retryable = retryable;
  return error;
}

Error fromLowerError(const std::string& server, const Error& error) {
  std::string detail = error.message;
  if (!error.detail.empty()) detail += ": " + error.detail;
  switch (error.code) {
    case ErrorCode::UpstreamUnreachable:
    case ErrorCode::UpstreamTimeout:
    case ErrorCode::UpstreamStreamTruncated:
      return serverError(error.code, server, std::move(detail));
    default:
      return serverError(ErrorCode::UpstreamInvalidResponse, server, std::move(detail));
  }
}

Error fromHttpStatus(const std::string& server, int status, std::string_view body) {
  std::string detail = "HTTP status " + std::to_string(status);
  const auto messages = protocol::parseRpc(body);
  if (messages && messages->front().error) {
    const protocol::RpcError& said = *messages->front().error;
    detail += ", JSON-RPC error " + std::to_string(said.code) + ": ";
    detail += oneLine(said.message, kMaxLogged);
  }
  if (status == 401 || status == 403) {
    return serverError(ErrorCode::UpstreamAuth, server, std::move(detail));
  }
  Error error = serverError(ErrorCode::UpstreamError, server, std::move(detail));
  error.message = named(server) + " answered with HTTP status " + std::to_string(status) + ".";
  return error;
}

Error fromRpcError(const std::string& server, const protocol::RpcError& said) {
  const std::string code = std::to_string(said.code);
  std::string message = named(server) + " refused the call (JSON-RPC error " + code + ")";
  if (said.code == protocol::kRpcInvalidParams && !said.message.empty()) {
    message += ": " + oneLine(said.message, kMaxShown);
  } else {
    message += '.';
  }
  Error error = toolError(std::move(message),
                          "JSON-RPC error " + code + ": " + oneLine(said.message, kMaxLogged));
  return error;
}

std::string shownError(const Error& error) {
  return oneLine(error.detail.empty() ? error.message : error.detail, kMaxLogged);
}

}  // namespace agw::mcp
