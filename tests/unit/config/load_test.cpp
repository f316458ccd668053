#include "config/load.h"

#include <gtest/gtest.h>
#include <filesystem>
#include <string>

#include "config_folder.h"
#include "config_test_support.h"

namespace agw::config {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Every way to write a part, once.
constexpr const char* kEverything = R"(
version: 1
server:
  listen: "[::1]:0"
  threads: 3
  edge_secret_file: /etc/s
  drain_timeout: 1m
  keep_alive_interval: 500ms
log: {file: /var/log/x.log, level: debug}
upstreams:
  up:
    base_url: https://api.example.com/v1?api-version=2
    api_key: k-1
    headers: {X-One: 1, X-Two: "${TWO}"}
    models: [qwen/qwen3, plain]
    connect_timeout: 2
    first_byte_timeout: 1.5s
    idle_timeout: 1h
    ca_file: "${CA}"
mcp_servers:
  weather: {url: "http://h:1/mcp", headers: {Authorization: "Bearer ${TOKEN}"}, timeout: 7s}
  files: {transport: stdio, command: npx, args: [-y, "server"], env: {HOME: /tmp}}
  old: {transport: sse, url: "http://h:1/sse"}
tools:
  get_time:
    provider: http
    description: The time.
    url: http://h:2/time
    method: GET
    headers: {X-T: t}
    timeout: 10s
    max_response_bytes: 2k
    parameters:
      type: object
      properties: {n: {type: integer, minimum: 1, maximum: 1.50}, s: {type: string, default: "5"}}
      required: [n]
      additionalProperties: false
  shell: {type: local, module: tools.shell, function: run}
agents:
  - name: one
    namespace: lab
    display_name: One
    description: First.
    kind: declarative
    upstream: up
    model: qwen/qwen3
    instructions: |
      Line one.
      Costs $5, say $${name}.
    tools:
      - get_time
      - {name: get_weather, provider: mcp, mcp_server: weather, mcp_method: current}
    policies: {max_tool_hops: 2, max_run: 90s, max_parallel_tools: 1, max_tool_result_bytes: 1k}
  - {name: two, upstream: up, model: m, instructions: x, tools: [shell]}
  - {name: three, kind: sdk, module: "agents.three:build"}
  - name: four
    upstream: up
    model: m
    instructions: x
    tools: [{name: read, provider: mcp, mcp_server: files}]
)";

LoadResult everything() {
  return parseSettings(kEverything, "/etc/agw/gateway.yaml",
                       environmentOf({{"TWO", "2"}, {"TOKEN", "t-1"}, {"CA", kCa}}));
}

TEST(ParseSettings, ReadsTheServerAndTheLog) {
  const LoadResult result = everything();
  ASSERT_EQ(lines(result.problems), "");
  const ServerSettings& server = result.settings.server;
  EXPECT_EQ(server.listen, "[::1]:0");
  EXPECT_EQ(server.threads, 3U);
  EXPECT_EQ(server.edge_secret_file, "/etc/s");
  EXPECT_EQ(server.drain_timeout, minutes(1));
  EXPECT_EQ(server.keep_alive_interval, Millis(500));
  EXPECT_EQ(result.settings.log.file, "/var/log/x.log");
  EXPECT_EQ(result.settings.log.level, "debug");
}

TEST(ParseSettings, ReadsUpstreams) {
  const LoadResult result = everything();
  const UpstreamSettings& up = result.settings.upstreams.at("up");
  EXPECT_EQ(up.name, "up");
  EXPECT_TRUE(up.base_url.tls);
  EXPECT_EQ(up.base_url.host, "api.example.com");
  EXPECT_EQ(up.base_url.target, "/v1?api-version=2");
  EXPECT_EQ(up.api_key, "k-1");
  ASSERT_EQ(up.headers.size(), 2U);
  EXPECT_EQ(up.headers[0].name, "X-One");
  EXPECT_EQ(up.headers[0].value, "1");
  EXPECT_EQ(up.headers[1].value, "2");
  EXPECT_EQ(up.models, (std::vector<std::string>{"qwen/qwen3", "plain"}));
  EXPECT_EQ(up.connect_timeout, seconds(2));
  EXPECT_EQ(up.first_byte_timeout, Millis(1500));
  EXPECT_EQ(up.idle_timeout, hours(1));
  EXPECT_EQ(up.ca_file, kCa);
  EXPECT_TRUE(up.ca_pem.starts_with("-----BEGIN CERTIFICATE-----"));
}

TEST(ParseSettings, ReadsToolsAndMcpServers) {
  const LoadResult result = everything();
  const Settings& settings = result.settings;
  const McpServerSettings& weather = settings.mcp_servers.at("weather");
  EXPECT_EQ(weather.url.target, "/mcp");
  EXPECT_EQ(weather.headers.at(0).value, "Bearer t-1");
  EXPECT_EQ(weather.timeout, seconds(7));
  EXPECT_EQ(weather.error, "");

  const ToolSettings& time = settings.tools.at("get_time");
  EXPECT_EQ(time.provider, ToolProvider::Http);
  EXPECT_EQ(time.method, "GET");
  EXPECT_EQ(time.url.port, 2);
  EXPECT_EQ(time.timeout, seconds(10));
  EXPECT_EQ(time.max_response_bytes, 2048U);
  EXPECT_EQ(
      time.parameters_json,
      R"({"type":"object","properties":{"n":{"type":"integer","minimum":1,"maximum":1.50},)"
      R"("s":{"type":"string","default":"5"}},"required":["n"],"additionalProperties":false})");

  const ToolSettings& current = settings.tools.at("lab/one#get_weather");
  EXPECT_EQ(current.name, "get_weather");
  EXPECT_EQ(current.provider, ToolProvider::Mcp);
  EXPECT_EQ(current.mcp_server, "weather");
  EXPECT_EQ(current.mcp_method, "current");
  EXPECT_EQ(current.parameters_json, "");
  EXPECT_EQ(current.timeout, seconds(7));
}

TEST(ParseSettings, ReadsAgents) {
  const LoadResult result = everything();
  ASSERT_EQ(result.settings.agents.size(), 4U);
  const AgentSettings& one = result.settings.agents[0];
  EXPECT_EQ(one.id, "lab/one");
  EXPECT_EQ(one.display_name, "One");
  EXPECT_EQ(one.model, "qwen/qwen3");
  EXPECT_EQ(one.instructions, "Line one.\nCosts $5, say ${name}.\n");
  EXPECT_EQ(one.tools, (std::vector<std::string>{"get_time", "lab/one#get_weather"}));
  EXPECT_EQ(one.policies.max_tool_hops, 2U);
  EXPECT_EQ(one.policies.max_run, seconds(90));
  EXPECT_EQ(one.policies.max_parallel_tools, 1U);
  EXPECT_EQ(one.policies.max_tool_result_bytes, 1024U);
  EXPECT_EQ(one.error, "");
}

TEST(ParseSettings, KeepsWhatCannotRunWithItsReason) {
  const LoadResult result = everything();
  const Settings& settings = result.settings;
  EXPECT_EQ(settings.mcp_servers.at("files").error,
            "transport stdio is not part of this build; use http");
  EXPECT_EQ(settings.mcp_servers.at("old").error,
            "transport sse is not part of this build; use http");
  EXPECT_EQ(settings.tools.at("shell").error,
            "provider local needs a worker, which this build does not have");
  EXPECT_EQ(settings.agents[1].error,
            "tool shell: provider local needs a worker, which this build does not have");
  EXPECT_EQ(settings.agents[2].kind, AgentKind::Sdk);
  EXPECT_EQ(settings.agents[2].module, "agents.three:build");
  EXPECT_EQ(settings.agents[2].error, "kind sdk needs a worker, which this build does not have");
  EXPECT_EQ(settings.agents[3].error,
            "tool read: MCP server files: transport stdio is not part of this build; use http");
  EXPECT_EQ(result.warnings.size(), 7U) << lines(result.warnings);
}

TEST(ParseSettings, GivesToolsWithoutParametersAnEmptyObject) {
  const LoadResult result =
      parse(kMinimal +
            "tools:\n"
            "- {name: a, provider: http, url: \"http://h/\"}\n"
            "- {name: b, provider: http, url: \"http://h/\", parameters: {}}\n"
            "- {name: c, provider: http, url: \"http://h/\",\n"
            "   parameters: {properties: {x: {type: string}}}}\n");
  ASSERT_EQ(lines(result.problems), "");
  EXPECT_EQ(result.settings.tools.at("a").parameters_json, R"({"type":"object","properties":{}})");
  EXPECT_EQ(result.settings.tools.at("b").parameters_json, R"({"type":"object"})");
  EXPECT_EQ(result.settings.tools.at("c").parameters_json,
            R"({"type":"object","properties":{"x":{"type":"string"}}})");
}

TEST(ParseSettings, TakesJsonAndAnchors) {
  EXPECT_EQ(lines(parse(R"({"upstreams": {"up": {"base_url": "http://h/"}}, "agents": [
      {"name": "a", "upstream": "up", "model": "m", "instructions": "\u0068i\n"}]})")
                      .problems),
            "");
  const LoadResult result = parse(
      "upstreams:\n"
      "  a: {base_url: \"http://h/\", headers: &h {X-A: b}}\n"
      "  b: {base_url: \"http://h/\", headers: *h, models: [m]}\n");
  ASSERT_EQ(lines(result.problems), "");
  EXPECT_EQ(result.settings.upstreams.at("b").headers.at(0).value, "b");
}

TEST(ParseSettings, TakesAByteOrderMarkAtTheBeginning) {
  const LoadResult result = parse("\xEF\xBB\xBF" + kMinimal);
  ASSERT_EQ(lines(result.problems), "");
  EXPECT_EQ(result.settings.agents.size(), 1U);
}

TEST(ParseSettings, LetsAnUpstreamWithoutModelsShareItsNameWithANamespace) {
  EXPECT_EQ(lines(parse("upstreams: {up: {base_url: \"http://h/\"}}\nagents:\n"
                        "- {name: a, namespace: up, upstream: up, model: m, instructions: x}\n")
                      .problems),
            "");
}

TEST(ParseSettings, WarnsWhenThereIsNothingToAsk) {
  const LoadResult result = parse("version: 1\n");
  EXPECT_EQ(lines(result.problems), "");
  EXPECT_EQ(lines(result.warnings),
            "f.yaml: no agent and no upstream with models: there is nothing to ask\n");
  EXPECT_EQ(lines(parse(kMinimal).warnings), "");
}

TEST(ParseSettings, LetsTheEnvironmentWin) {
  const Variables variables = {{"AGENT_GATEWAY_LISTEN", "127.0.0.1:0"},
                               {"AGENT_GATEWAY_THREADS", "2"},
                               {"AGENT_GATEWAY_EDGE_SECRET_FILE", "secret"},
                               {"AGENT_GATEWAY_LOG_LEVEL", "error"},
                               {"AGENT_GATEWAY_LOG_FILE", "x.log"}};
  const std::string yaml =
      kMinimal +
      "server: {listen: \"127.0.0.1:9\", threads: 9, edge_secret_file: /nine}\n"
      "log: {level: debug, file: /nine.log}\n";
  const LoadResult result = parse(yaml, variables);
  ASSERT_EQ(lines(result.problems), "");
  EXPECT_EQ(result.settings.server.listen, "127.0.0.1:0");
  EXPECT_EQ(result.settings.server.threads, 2U);
  EXPECT_EQ(result.settings.server.edge_secret_file, "secret");
  EXPECT_EQ(result.settings.log.level, "error");
  EXPECT_EQ(result.settings.log.file, "x.log");

  const LoadResult unset = parse(yaml, {{"AGENT_GATEWAY_LISTEN", ""}});
  EXPECT_EQ(unset.settings.server.listen, "127.0.0.1:9");
}

TEST(ParseSettings, TakesTheApiKeyFromAVariable) {
  const LoadResult result =
      parse("upstreams: {up: {base_url: \"http://h/\", api_key_env: UP_KEY, models: [m]}}\n",
            {{"UP_KEY", "k-2"}});
  ASSERT_EQ(lines(result.problems), "");
  EXPECT_EQ(result.settings.upstreams.at("up").api_key, "k-2");
}

TEST_F(ConfigFolder, HoldsTheKeyFileBesideTheConfiguration) {
  write("key", "k-3\n");
  const std::string file =
      write("gateway.yaml",
            "upstreams: {up: {base_url: \"http://h/\", api_key_file: key, models: [m]}}\n");
  const LoadResult result = loadSettings(file, environmentOf({}));
  ASSERT_EQ(lines(result.problems), "");
  EXPECT_EQ(result.settings.upstreams.at("up").api_key, "k-3");
}

TEST_F(ConfigFolder, RefusesKeyFilesThatHoldNoKey) {
  write("empty", "\n");
  write("two", "hunter2\nhunter3\n");
  write("large", std::string(70000, 'k'));
  const std::string head = "upstreams: {up: {base_url: \"http://h/\", models: [m], api_key_file: ";
  const std::string place = ":1:68: upstreams.up.api_key_file: the file ";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"empty", "is empty; it must hold the secret on one line\n"},
      {"two", "has several lines; it must hold the secret on one line\n"},
      {"large", "is larger than 64 KiB\n"},
      {".", "is not a regular file\n"},
  };
  for (const auto& [name, message] : cases) {
    const std::string file = write("gateway.yaml", head + name + "}}\n");
    EXPECT_EQ(lines(loadSettings(file, environmentOf({})).problems), file + place + message);
  }
}

TEST_F(ConfigFolder, SaysWhyAFileCannotBeRead) {
  const std::string missing = (folder_ / "missing.yaml").string();
  EXPECT_EQ(lines(loadSettings(missing, environmentOf({})).problems),
            missing + ": the file cannot be opened: No such file or directory\n");
  EXPECT_EQ(lines(loadSettings(folder_.string(), environmentOf({})).problems),
            folder_.string() + ": the file is not a regular file\n");
  const std::string large = write("large.yaml", std::string(9 * 1024 * 1024, '#'));
  EXPECT_EQ(loadSettings(large, environmentOf({})).problems.size(), 1U);
}

TEST(LoadSettings, ReadsTheExampleOfTheSourceDocument) {
  const LoadResult result = loadSettings(
      std::string(AGW_SOURCE_DIR) + "/tests/unit/config/data/s1_example.yaml", environmentOf({}));
  ASSERT_EQ(lines(result.problems), "");
  const Settings& settings = result.settings;
  ASSERT_EQ(settings.agents.size(), 2U);
  const AgentSettings& assistant = settings.agents[0];
  EXPECT_EQ(assistant.id, "default/Assistant");
  EXPECT_EQ(assistant.kind, AgentKind::Declarative);
  EXPECT_EQ(assistant.upstreams.at(0).name, "lmstudio");
  EXPECT_EQ(assistant.model, "gpt-4o-mini");
  EXPECT_EQ(assistant.instructions, "You are a concise and helpful assistant.\n");
  EXPECT_EQ(assistant.policies.max_tool_hops, 2U);
  EXPECT_EQ(assistant.error, "");
  ASSERT_EQ(assistant.tools, (std::vector<std::string>{"default/Assistant#get_weather"}));
  EXPECT_EQ(settings.tools.at(assistant.tools[0]).mcp_method, "current");
  EXPECT_EQ(settings.mcp_servers.at("weather").url.host, "mcp.example.com");
  EXPECT_EQ(settings.upstreams.at("lmstudio").base_url.port, 1234);
  EXPECT_EQ(settings.agents[1].id, "default/Researcher");
  EXPECT_EQ(settings.agents[1].module, "agents.researcher:build_agent");
  EXPECT_NE(settings.agents[1].error, "");
  EXPECT_EQ(result.warnings.size(), 1U);
}

}  // namespace
}  // namespace agw::config
