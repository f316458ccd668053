#include "protocol/json_rpc.h"

#include "base/json_reader.h"

namespace agw::protocol {
namespace {

constexpr std::size_t kMaxBatch = 100;

Error malformed(const char* what) {
  return clientError(ErrorCode::InvalidRequest, std::string("not a JSON-RPC 2.0 message: ") + what);
}

std::optional<RpcError> readError(const Json& value) {
  if (!value.is_object()) return std::nullopt;
  const auto code = value.find("code");
  if (code == value.end() || !code->is_number()) return std::nullopt;
  RpcError error;
  error.code = code->is_number_integer() ? code->get<std::int64_t>() : 0;
  const auto message = value.find("message");
  if (message != value.end() && message->is_string()) error.message = message->get<std::string>();
  return error;
}

Result<RpcMessage> readMessage(const Json& value, std::string_view text) {
  if (!value.is_object()) return malformed("it is no object");
  const auto version = value.find("jsonrpc");
  if (version == value.end() || *version != "2.0") return malformed("jsonrpc is not \"2.0\"");

  RpcMessage message;
  for (const RawMember& member : splitObject(text)) {
    if (member.key == "id") message.id = member.value;
    if (member.key == "params") message.params = member.value;
    if (member.key == "result") message.result = member.value;
  }
  const auto id = value.find("id");
  const bool has_id = id != value.end() && !id->is_null();
  if (has_id && !id->is_string() && !id->is_number()) return malformed("id is no string or number");

  const auto method = value.find("method");
  if (method != value.end()) {
    if (!method->is_string()) return malformed("method is no string");
    if (id != value.end() && !has_id) return malformed("the id of a request is null");
    message.method = method->get<std::string>();
    message.kind = has_id ? RpcKind::Request : RpcKind::Notification;
    return message;
  }

  message.kind = RpcKind::Response;
  const auto error = value.find("error");
  if (error != value.end() && !error->is_null()) {
    message.error = readError(*error);
    if (!message.error) return malformed("error has no code");
    return message;
  }
  if (message.result.empty()) return malformed("neither method, result nor error");
  if (!has_id) return malformed("a result without id");
  return message;
}

void appendMember(std::string& out, std::string_view name, std::string_view json) {
  if (json.empty()) return;
  out += ",\"";
  out += name;
  out += "\":";
  out += json;
}

}  // namespace

Result<std::vector<RpcMessage>> parseRpc(std::string_view text) {
  auto value = parseJson(text);
  if (!value) return value.error();
  std::vector<RpcMessage> messages;
  if (!value->is_array()) {
    auto message = readMessage(*value, text);
    if (!message) return message.error();
    messages.push_back(std::move(*message));
    return messages;
  }
  if (value->empty()) return malformed("an empty batch");
  if (value->size() > kMaxBatch) return malformed("a batch of more than 100 messages");
  const auto elements = splitArray(text);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    auto message = readMessage((*value)[i], elements[i]);
    if (!message) return message.error();
    messages.push_back(std::move(*message));
  }
  return messages;
}

std::string rpcRequest(std::int64_t id, std::string_view method, std::string_view params_json) {
  std::string out = R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":)";
  appendJsonString(out, method);
  appendMember(out, "params", params_json);
  out += '}';
  return out;
}

std::string rpcNotification(std::string_view method, std::string_view params_json) {
  std::string out = R"({"jsonrpc":"2.0","method":)";
  appendJsonString(out, method);
  appendMember(out, "params", params_json);
  out += '}';
  return out;
}

std::string rpcResult(std::string_view id_json, std::string_view result_json) {
  std::string out = R"({"jsonrpc":"2.0","id":)";
  out += id_json;
  appendMember(out, "result", result_json);
  out += '}';
  return out;
}

std::string rpcErrorReply(std::string_view id_json, std::int64_t code, std::string_view message) {
  std::string out = R"({"jsonrpc":"2.0","id":)";
  out += id_json.empty() ? std::string_view("null") : id_json;
  out += R"(,"error":{"code":)" + std::to_string(code) + R"(,"message":)";
  appendJsonString(out, message);
  out += "}}";
  return out;
}

}  // namespace agw::protocol
