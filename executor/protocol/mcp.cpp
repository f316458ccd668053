#include "protocol/mcp.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/json_reader.h"

namespace agw::protocol {
namespace {

constexpr std::array<std::string_view, 4> kVersions = {"2024-11-05", "2025-03-26", "2025-06-18",
                                                       kMcpLatestVersion};
constexpr std::string_view kClientName = "agent-gateway";
constexpr std::string_view kClientVersion = "0.1.0";
constexpr std::size_t kMaxToolName = 256;
constexpr std::size_t kMaxSessionId = 1024;

Error unusable(std::string what) {
  return upstreamError(ErrorCode::UpstreamInvalidResponse, std::move(what));
}

// The member's text as it was written; the last one when it stands twice.
std::string_view rawMember(std::string_view object, std::string_view key) {
  std::string_view found;
  for (const RawMember& member : splitObject(object)) {
    if (member.key == key) found = member.value;
  }
  return found;
}

std::string stringMember(const Json& object, std::string_view key) {
  const auto member = object.find(key);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

Result<Json> parseObject(std::string_view text, const char* what) {
  auto value = parseJson(text);
  if (!value || !value->is_object()) return unusable(std::string(what) + " is no JSON object");
  return value;
}

McpTool readTool(const Json& entry, std::string_view text) {
  McpTool tool;
  tool.name = stringMember(entry, "name");
  tool.description = stringMember(entry, "description");
  const auto schema = entry.find("inputSchema");
  if (schema != entry.end() && schema->is_object()) {
    tool.input_schema_json = rawMember(text, "inputSchema");
  }
  return tool;
}

}  // namespace

bool isKnownMcpVersion(std::string_view version) noexcept {
  return std::find(kVersions.begin(), kVersions.end(), version) != kVersions.end();
}

std::string mcpInitialize(std::int64_t id) {
  std::string params = R"({"protocolVersion":")";
  params += kMcpLatestVersion;
  params += R"(","capabilities":{},"clientInfo":{"name":")";
  params += kClientName;
  params += R"(","version":")";
  params += kClientVersion;
  params += "\"}}";
  return rpcRequest(id, "initialize", params);
}

std::string mcpInitialized() { return rpcNotification("notifications/initialized", {}); }

std::string mcpListToolsParams(std::string_view cursor) {
  if (cursor.empty()) return "{}";
  std::string params = R"({"cursor":)";
  appendJsonString(params, cursor);
  params += '}';
  return params;
}

Result<std::string> mcpCallToolParams(std::string_view name, std::string_view arguments_json,
                                      std::string_view traceparent) {
  if (arguments_json.empty()) arguments_json = "{}";
  const auto arguments = parseJson(arguments_json);
  if (!arguments) return arguments.error();
  if (!arguments->is_object()) {
    return clientError(ErrorCode::InvalidRequest, "The arguments of a tool must be a JSON object.");
  }
  std::string params = R"({"name":)";
  appendJsonString(params, name);
  params += R"(,"arguments":)";
  params += arguments_json;
  if (!traceparent.empty()) {
    params += R"(,"_meta":{"traceparent":)";
    appendJsonString(params, traceparent);
    params += '}';
  }
  params += '}';
  return params;
}

std::string mcpCancelled(std::int64_t request_id, std::string_view reason) {
  std::string params = R"({"requestId":)" + std::to_string(request_id) + R"(,"reason":)";
  appendJsonString(params, reason);
  params += '}';
  return rpcNotification("notifications/cancelled", params);
}

std::string mcpAnswerServer(const RpcMessage& request) {
  if (request.method == "ping") return rpcResult(request.id, "{}");
  return rpcErrorReply(request.id, kRpcMethodNotFound, "this client does not offer that method");
}

Result<McpServerHello> readMcpInitialize(std::string_view result_json) {
  const auto result = parseObject(result_json, "the answer to initialize");
  if (!result) return result.error();
  McpServerHello hello;
  hello.version = stringMember(*result, "protocolVersion");
  if (!isKnownMcpVersion(hello.version)) {
    return unusable("the server speaks no protocol revision that we know, but \"" +
                    hello.version.substr(0, 32) + "\"");
  }
  const auto info = result->find("serverInfo");
  if (info != result->end() && info->is_object()) hello.server_name = stringMember(*info, "name");
  return hello;
}

Result<McpToolPage> readMcpToolPage(std::string_view result_json) {
  const auto result = parseObject(result_json, "the answer to tools/list");
  if (!result) return result.error();
  const auto tools = result->find("tools");
  if (tools == result->end() || !tools->is_array()) {
    return unusable("the answer to tools/list has no array \"tools\"");
  }
  McpToolPage page;
  const auto texts = splitArray(rawMember(result_json, "tools"));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const Json& entry = (*tools)[i];
    if (!entry.is_object()) continue;
    McpTool tool = readTool(entry, texts[i]);
    if (tool.name.empty() || tool.name.size() > kMaxToolName) continue;
    page.tools.push_back(std::move(tool));
  }
  page.next_cursor = stringMember(*result, "nextCursor");
  return page;
}

bool saysMcpSessionLost(int http_status, std::string_view body, bool had_session_id) {
  if (http_status == 404) return had_session_id;
  if (http_status != 400) return false;
  const auto messages = parseRpc(body);
  if (!messages || messages->size() != 1) return false;
  const auto& error = messages->front().error;
  if (!error || error->code != kRpcServerError) return false;
  std::string text = error->message;
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text.find("session") != std::string::npos ||
         text.find("not initialized") != std::string::npos;
}

bool isValidMcpSessionId(std::string_view id) noexcept {
  return !id.empty() && id.size() <= kMaxSessionId &&
         std::all_of(id.begin(), id.end(), [](char c) { return c >= 0x21 && c <= 0x7e; });
}

}  // namespace agw::protocol
