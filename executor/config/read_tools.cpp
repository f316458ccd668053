#include <array>

#include "base/json_reader.h"
#include "config/readers.h"
#include "config/values.h"
#include "config/yaml_to_json.h"

namespace agw::config {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 3> kTransports = {"http", "stdio", "sse"};
constexpr std::array<std::string_view, 3> kProviders = {"mcp", "http", "local"};
constexpr std::array<std::string_view, 5> kMethods = {"GET", "POST", "PUT", "PATCH", "DELETE"};

constexpr std::size_t kMaxToolResponse = 64 * 1024 * 1024;

void readStdio(MapReader& reader, McpServerSettings& server) {
  reader.require("command", "transport stdio", "the program to start");
  reader.text("command", server.command);
  reader.textList("args", server.args);
  reader.textMap("env", server.env);
}

McpServerSettings readMcpServer(const Member& member, const std::string& path,
                                ReadContext& context) {
  McpServerSettings server;
  server.name = member.key;
  MapReader reader(member.value, path, kMcpServerSection, context);
  const std::string transport = reader.choice("transport", kTransports).value_or("http");
  reader.duration("timeout", server.timeout, 1ms, 24h);
  reader.refuse(refusedKeys(kMcpServerSection, transport), "transport " + transport);
  if (transport == "stdio") {
    server.transport = McpTransport::Stdio;
    readStdio(reader, server);
  } else {
    if (transport == "sse") server.transport = McpTransport::Sse;
    reader.require("url", "transport " + transport, "e.g. url: https://mcp.example.com/mcp");
    reader.url("url", server.url);
    reader.headers("headers", server.headers);
  }
  if (transport != "http") {
    server.error = "transport " + transport + " is not part of this build; use http";
    context.problems.warn(member.place, path, server.error);
  }
  server.hidden = reader.hiddenKeys();
  return server;
}

// The schema as JSON text; "" when none is written.
std::string readParameters(MapReader& reader) {
  const Node* const node = reader.map("parameters");
  if (node == nullptr) return {};
  const Member* const type = node->find("type");
  const Member* const properties = node->find("properties");
  const Member* const required = node->find("required");
  if (type != nullptr &&
      !(type->value.kind == Node::Kind::Scalar && type->value.text == "object")) {
    reader.fault("parameters", "the arguments are an object; write type: object");
  }
  if (properties != nullptr && properties->value.kind != Node::Kind::Map) {
    reader.fault("parameters", "its properties must be a map of name to schema");
  }
  if (required != nullptr && required->value.kind != Node::Kind::List) {
    reader.fault("parameters", "its required must be a list of names");
  }
  std::string json = yamlToJson(*node, reader.pathOf("parameters"), reader.context().problems);
  if (type == nullptr) {
    json.insert(1, node->members.empty() ? R"("type":"object")" : R"("type":"object",)");
  }
  return json;
}

void readMcpTool(MapReader& reader, ToolSettings& tool, const Settings& settings) {
  reader.require("mcp_server", "provider mcp", "a name in mcp_servers");
  tool.mcp_method = tool.name;
  reader.text("mcp_method", tool.mcp_method);
  reader.text("mcp_server", tool.mcp_server);
  if (tool.mcp_method.empty()) reader.fault("mcp_method", "empty; write the tool's name");
  if (!reader.has("mcp_server") || reader.member("mcp_server")->value.broken) return;

  const auto server = settings.mcp_servers.find(tool.mcp_server);
  if (server == settings.mcp_servers.end()) {
    if (!reader.context().all_read || !reader.isText("mcp_server")) return;
    reader.fault("mcp_server", shown(reader.member("mcp_server")->value) +
                                   " is not in mcp_servers" +
                                   didYouMean(tool.mcp_server, keysOf(settings.mcp_servers)));
    return;
  }
  if (!reader.has("timeout")) {
    tool.timeout = server->second.timeout;
    if (server->second.hidden.contains("timeout")) tool.hidden.insert("timeout");
  }
  if (!server->second.error.empty()) {
    tool.error = "MCP server " + tool.mcp_server + ": " + server->second.error;
  }
}

void readHttpTool(MapReader& reader, ToolSettings& tool) {
  reader.require("url", "provider http", "e.g. url: https://api.example.com/time");
  reader.url("url", tool.url);
  if (auto method = reader.choice("method", kMethods)) tool.method = *method;
  reader.headers("headers", tool.headers);
  reader.size("max_response_bytes", tool.max_response_bytes, 1, kMaxToolResponse);
}

void readLocalTool(MapReader& reader, ToolSettings& tool) {
  reader.require("module", "provider local", "e.g. module: tools.weather");
  tool.function = tool.name;
  reader.text("module", tool.module);
  reader.text("function", tool.function);
  if (reader.has("module") && !isModule(tool.module)) {
    reader.fault("module", "not a Python module; write e.g. tools.weather");
  }
  if (reader.has("function") && !isVariableName(tool.function)) {
    reader.fault("function", "not the name of a function; write e.g. forecast");
  }
  tool.error = "provider local needs a worker, which this build does not have";
}

std::optional<std::string> readName(MapReader& reader, const std::string& map_name) {
  std::string name = map_name;
  if (map_name.empty()) reader.require("name", "", "e.g. name: get_weather");
  reader.text("name", name);
  if (!map_name.empty() && name != map_name) {
    reader.fault("name", "differs from the tool's key; remove it");
    return std::nullopt;
  }
  if (!reader.has("name") && map_name.empty()) return std::nullopt;
  if (!isToolName(name)) {
    const Member* const written = reader.member("name");
    if (written != nullptr && written->value.broken) return std::nullopt;
    reader.fault("name", "not a tool name; use 1 to 64 of A-Z a-z 0-9 _ -");
    return std::nullopt;
  }
  return name;
}

void addTool(std::optional<ToolSettings> tool, Place place, const std::string& path,
             ReadContext& context, Settings& settings) {
  if (!tool) return;
  const std::string name = tool->name;
  const std::string shown = tool->hidden.contains("name") ? "of this name" : name;
  if (defineOnce(context, "tool", name, shown, place, path)) {
    settings.tools.emplace(name, std::move(*tool));
  }
}

}  // namespace

void readMcpServers(MapReader& top, Settings& settings) {
  const Node* const node = top.map("mcp_servers");
  if (node == nullptr) return;
  for (const Member& member : node->members) {
    const std::string path = "mcp_servers." + printable(member.key);
    if (!defineOnce(top.context(), "MCP server", member.key, printable(member.key), member.place,
                    path)) {
      continue;
    }
    if (!isServerName(member.key)) {
      top.context().problems.add(member.place, path,
                                 "not a name for a server; use 1 to 64 of A-Z a-z 0-9 . _ -");
    }
    settings.mcp_servers.emplace(member.key, readMcpServer(member, path, top.context()));
  }
}

std::optional<ToolSettings> readTool(const Node& node, const std::string& path,
                                     const std::string& map_name, ReadContext& context,
                                     const Settings& settings) {
  MapReader reader(node, path, kToolSection, context);
  if (node.broken || node.kind != Node::Kind::Map) return std::nullopt;
  ToolSettings tool;
  tool.hidden = reader.hiddenKeys();
  const auto name = readName(reader, map_name);
  tool.name = name.value_or("");
  reader.text("description", tool.description);
  tool.parameters_json = readParameters(reader);
  reader.duration("timeout", tool.timeout, 1ms, 24h);

  if (reader.has("provider") && reader.has("type")) {
    reader.fault("type", "another spelling of provider; write only one of them");
  }
  const std::string_view key = reader.has("type") && !reader.has("provider") ? "type" : "provider";
  reader.require(key, "", oneOf(kProviders));
  const auto provider = reader.choice(key, kProviders);
  if (provider) reader.refuse(refusedKeys(kToolSection, *provider), "provider " + *provider);
  if (provider == "mcp") {
    tool.provider = ToolProvider::Mcp;
    readMcpTool(reader, tool, settings);
  } else if (provider == "http") {
    tool.provider = ToolProvider::Http;
    readHttpTool(reader, tool);
  } else if (provider == "local") {
    tool.provider = ToolProvider::Local;
    readLocalTool(reader, tool);
  }
  if (tool.provider != ToolProvider::Mcp && tool.parameters_json.empty()) {
    tool.parameters_json = R"({"type":"object","properties":{}})";
  }
  if (!tool.error.empty()) context.problems.warn(node.place, path, tool.error);
  if (!name) return std::nullopt;
  return tool;
}

void readTools(MapReader& top, Settings& settings) {
  const Member* const written = top.member("tools");
  if (written == nullptr || written->value.broken) return;
  const Node& node = written->value;
  ReadContext& context = top.context();
  if (node.kind == Node::Kind::Map) {
    for (const Member& member : node.members) {
      const std::string path = "tools." + printable(member.key);
      addTool(readTool(member.value, path, member.key, context, settings), member.place, path,
              context, settings);
    }
  } else if (node.kind == Node::Kind::List) {
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const std::string path = "tools[" + std::to_string(i) + "]";
      addTool(readTool(node.items[i], path, "", context, settings), node.items[i].place,
              path + ".name", context, settings);
    }
  } else if (node.kind == Node::Kind::Scalar) {
    top.fault("tools", "a single value where a list or a map of tools is expected");
  }
}

}  // namespace agw::config
