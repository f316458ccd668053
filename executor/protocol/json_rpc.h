// JSON-RPC 2.0 messages, as MCP uses them. Pure.
//
// Values inside a message stay JSON text as it was written: an id or a schema passes through
// byte-exact.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace agw::protocol {

inline constexpr std::int64_t kRpcInvalidRequest = -32600;
inline constexpr std::int64_t kRpcMethodNotFound = -32601;
inline constexpr std::int64_t kRpcInvalidParams = -32602;
inline constexpr std::int64_t kRpcServerError = -32000;

enum class RpcKind { Request, Notification, Response };

struct RpcError {
  std::int64_t code = 0;
  std::string message;  // as the peer wrote it: not safe to show
};

struct RpcMessage {
  RpcKind kind = RpcKind::Notification;
  std::string id;      // JSON text; "" when there is none, "null" only in a response
  std::string method;  // of requests and notifications
  std::string params;  // JSON text; "" when absent
  std::string result;  // JSON text; "" when absent
  std::optional<RpcError> error;
};

// One message, or a batch array (legal in MCP 2025-03-26) of at most 100. Errors: InvalidJson,
// InvalidRequest.
Result<std::vector<RpcMessage>> parseRpc(std::string_view text);

// `params_json` and `result_json` are spliced in as they are: the caller vouches that they are one
// JSON value.
std::string rpcRequest(std::int64_t id, std::string_view method, std::string_view params_json);
std::string rpcNotification(std::string_view method, std::string_view params_json);
std::string rpcResult(std::string_view id_json, std::string_view result_json);
std::string rpcErrorReply(std::string_view id_json, std::int64_t code, std::string_view message);

}  // namespace agw::protocol
