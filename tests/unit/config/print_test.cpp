// What `check --print` shows.
#include "config/print.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "config/schema.h"
#include "config/yaml_writer.h"
#include "config_test_support.h"

namespace agw::config {
namespace {

TEST(PrintSettings, FillsInEveryDefault) {
  const LoadResult result = parse(
      "defaults: {upstream: up, model: m}\n"
      "upstreams: {up: {base_url: \"http://127.0.0.1:1/v1\", models: [q/q3, \"5\"]}}\n"
      "mcp_servers: {w: {url: \"https://mcp.example.com/\"}}\n"
      "tools: {t: {type: mcp, mcp_server: w}}\n"
      "agents:\n"
      "- {name: a, instructions: \"Hi ${NOT_SET:-you}, it's $5.\\n\", metadata: {b: [1, \"1\"]},\n"
      "   tools: [t, {name: u, provider: http, url: \"http://127.0.0.1:2\"}]}\n"
      "aliases: {b: a}\n");
  ASSERT_EQ(lines(result.problems), "");
  EXPECT_EQ(printSettings(result.settings), R"(version: 1
server:
  listen: "unix:/run/agent-gateway/executor.sock"
  threads: 0
  edge_secret_file: /etc/agent-gateway/edge_secret
  drain_timeout: 30s
  keep_alive_interval: 15s
  watch: true
  watch_delay: 300ms
  max_open_requests: 8000
  max_request_memory: 536870912
log:
  level: info
defaults:
  namespace: default
  upstream: up
  model: m
  policies:
    max_tool_hops: 8
    max_run: 5m
    max_parallel_tools: 8
    max_tool_result_bytes: 65536
upstreams:
  up:
    provider: openai-compatible
    base_url: "http://127.0.0.1:1/v1"
    models: [q/q3, "5"]
    connect_timeout: 5s
    first_byte_timeout: 2m
    idle_timeout: 2m
    timeout: 0s
    priority: 0
    weight: 1
    max_concurrent: 0
    max_queue: 100
    queue_timeout: 10s
    retries: 2
    retry_backoff: 250ms
    retry_backoff_max: 10s
    breaker_failures: 5
    breaker_failure_percent: 50
    breaker_window: 30s
    breaker_open_time: 5s
    breaker_open_time_max: 1m
    supports_developer_role: true
    supports_stream_usage: true
    supports_parallel_tool_calls: true
    supports_max_completion_tokens: true
    discover: false
    health_path: /models
    health_allow_404: false
    health_timeout: 5s
    health_interval: 30s
mcp_servers:
  w:
    transport: http
    url: "https://mcp.example.com/"
    timeout: 30s
tools:
  - name: t
    provider: mcp
    mcp_server: w
    mcp_method: t
    timeout: 30s
agents:
  - name: a
    namespace: default
    metadata: {"b":[1,"1"]}
    kind: declarative
    upstream: up
    model: m
    instructions: "Hi you, it's $5.\n"
    tools:
      - t
      - name: u
        provider: http
        url: "http://127.0.0.1:2/"
        method: POST
        max_response_bytes: 1048576
        parameters: {"type":"object","properties":{}}
        timeout: 30s
    policies:
      max_tool_hops: 8
      max_run: 5m
      max_parallel_tools: 8
      max_tool_result_bytes: 65536
aliases:
  default/b: default/a
)");
}

TEST(PrintSettings, ShowsNoSecret) {
  const LoadResult result = parse(
      "server: {drain_timeout: \"${SPAN}\"}\n"
      "log: {file: \"/${S}\"}\n"
      "defaults: {namespace: \"${S}\", upstream: up, model: \"${S}\", policies: {max_run: "
      "\"${SPAN}\"}}\n"
      "upstreams:\n"
      "  up: {base_url: \"http://h/v1?key=hunter2\", api_key: hunter2, headers: {X: hunter2},\n"
      "       models: [\"${S}\"], idle_timeout: \"${SPAN}\", ca_file: \"${CA}\"}\n"
      "  two: {base_url: \"http://h/${S}\", api_key_env: S}\n"
      "mcp_servers:\n"
      "  m: {url: \"http://h/?hunter2\", headers: {X: hunter2}, timeout: \"${SPAN}\"}\n"
      "  s: {transport: stdio, command: \"${S}\", args: [\"${S}\"], env: {X: hunter2}}\n"
      "tools:\n"
      "- {name: \"${S}\", provider: mcp, mcp_server: m, mcp_method: \"${S}\", description: "
      "\"${S}\"}\n"
      "- {name: h, provider: http, url: \"http://h/${S}\", headers: {X: hunter2},\n"
      "   parameters: {description: \"${S}\"}}\n"
      "- {name: l, provider: local, module: \"${S}\", function: \"${S}\"}\n"
      "agents:\n"
      "- {name: \"${S}\", display_name: \"${S}\", description: \"${S}\", metadata: {a: "
      "[\"${S}\"]},\n"
      "   instructions: \"Say ${S}.\", tools: [\"${S}\", {name: i, provider: http,\n"
      "   url: \"http://h/${S}\", headers: {X: hunter2}}], policies: {max_tool_hops: \"${N}\"}}\n"
      "- {name: plain, kind: sdk, module: \"a:${S}\"}\n"
      "aliases: {b: \"${S}/plain\"}\n",
      {{"S", "hunter2"}, {"SPAN", "77s"}, {"N", "77"}, {"CA", kCa}});
  ASSERT_EQ(lines(result.problems), "");
  const std::string printed = printSettings(result.settings);
  EXPECT_EQ(printed.find("hunter2"), std::string::npos) << printed;
  EXPECT_EQ(printed.find("77"), std::string::npos) << printed;
  EXPECT_EQ(printed.find("ca.pem"), std::string::npos) << printed;
  EXPECT_NE(printed.find("base_url: \"http://h/v1?***\"\n    api_key: \"***\"\n"
                         "    headers:\n      X: \"***\"\n    models: \"***\"\n"),
            std::string::npos)
      << printed;
  EXPECT_NE(printed.find("aliases:\n  default/b: \"***\"\n"), std::string::npos) << printed;
}

TEST(PrintSettings, ShowsWhatVariablesOfTheProgramSay) {
  const LoadResult result = parse(kMinimal + "server: {listen: \"${S}\"}\nlog: {level: \"${L}\"}\n",
                                  {{"S", "127.0.0.1:1"},
                                   {"L", "debug"},
                                   {"LOG_LEVEL", "warn"},
                                   {"AGENT_API_PORT", "9"},
                                   {"DEFAULT_MODEL", "q3"},
                                   {"MCP_SERVER_URL", ""}});
  ASSERT_EQ(lines(result.problems), "");
  const std::string printed = printSettings(result.settings);
  EXPECT_NE(printed.find("listen: \"0.0.0.0:9\"\n"), std::string::npos) << printed;
  EXPECT_NE(printed.find("level: warn\n"), std::string::npos) << printed;
  EXPECT_NE(printed.find("  model: q3\n"), std::string::npos) << printed;
}

// Without secrets, what is printed is a configuration with the same settings.
TEST(PrintSettings, CanBeReadAgain) {
  const std::string yaml =
      kMinimal +
      "  - name: '007'\n"
      "    namespace: 'true'\n"
      "    upstream: up\n"
      "    model: ': x # y'\n"
      "    instructions: \"a\\n\\ttab \\\"quotes\\\" \\\\ $${NAME} $$${X} \\x7f \\u2028 – é "
      "🙂\"\n"
      "    metadata: {\"${x}\": [\"$${y}\", null, true, 1.50, {}]}\n"
      "    tools: [{name: l, provider: local, module: m, function: f},\n"
      "            {name: h, provider: http, url: \"http://[::1]:1/a\", method: GET,\n"
      "             parameters: {properties: {\"a b\": {type: string, pattern: \"^$${\"}}}}]\n"
      "mcp_servers: {s: {transport: stdio, command: c, args: [-y, \"a b\", \"\"]},\n"
      "              e: {transport: sse, url: \"http://h/\", timeout: 1500ms}}\n"
      "tools: {t: {provider: mcp, mcp_server: s, timeout: 1h}}\n"
      "aliases: {'null': \"true/007\"}\n"
      "log: {file: /tmp/x y.log}\n";
  const LoadResult first = parse(yaml);
  ASSERT_EQ(lines(first.problems), "");
  const std::string printed = printSettings(first.settings);
  const LoadResult again = parse(printed);
  ASSERT_EQ(lines(again.problems), "") << printed;
  EXPECT_EQ(printSettings(again.settings), printed);
  ASSERT_EQ(again.settings.agents.size(), 2U);
  const AgentSettings& a = first.settings.agents[1];
  const AgentSettings& b = again.settings.agents[1];
  EXPECT_EQ(b.id, "true/007");
  EXPECT_EQ(b.model, ": x # y");
  EXPECT_EQ(b.instructions, a.instructions);
  EXPECT_EQ(b.metadata_json, a.metadata_json);
  EXPECT_EQ(b.tools, a.tools);
  const ToolSettings& h = again.settings.tools.at("true/007#h");
  EXPECT_EQ(h.parameters_json, first.settings.tools.at("true/007#h").parameters_json);
  EXPECT_EQ(h.url.host, "::1");
  EXPECT_EQ(again.settings.mcp_servers.at("s").args, (std::vector<std::string>{"-y", "a b", ""}));
  EXPECT_EQ(again.settings.aliases.at("default/null").target, "true/007");
}

// A key that the printer forgets would be missing from this configuration, which has all of them.
TEST(PrintSettings, KnowsEveryKey) {
  const LoadResult result =
      loadSettings(std::string(AGW_SOURCE_DIR) + "/config/gateway.full.yaml", environmentOf({}));
  ASSERT_EQ(lines(result.problems), "");
  const std::string printed = printSettings(result.settings);
  for (const Section* section : allSections()) {
    for (const Key& key : section->keys) {
      // Other ways to write what is printed as api_key, provider, or in place.
      static const std::set<std::string_view> kOtherWays = {"api_key_env", "api_key_file", "type",
                                                            "include"};
      if (kOtherWays.contains(key.name)) continue;
      EXPECT_NE(printed.find(std::string(key.name) + ':'), std::string::npos) << key.name;
    }
  }
}

TEST(YamlScalar, IsBareOnlyWhereThatIsText) {
  for (const char* text : {"a1", "Abc_d-e.f", "/etc/x", "default/a", "hello"}) {
    EXPECT_EQ(yamlScalar(text), text);
  }
  for (const char* text : {"", "1", "-1", "true", "No", "NULL", "y", "~", "a b", "a:b", "*", "a#",
                           "0x1", ".5", "-", "_a", "é"}) {
    EXPECT_EQ(yamlScalar(text), '"' + std::string(text) + '"');
  }
  EXPECT_EQ(yamlScalar("a\"\\\n"), "\"a\\\"\\\\\\n\"");
  EXPECT_EQ(yamlScalar("${A}"), "\"$${A}\"");
  EXPECT_EQ(yamlScalar("$${A}"), "\"$$${A}\"");
}

}  // namespace
}  // namespace agw::config
