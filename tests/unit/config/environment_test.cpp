// Variables that win over the file, and their other names.
#include <gtest/gtest.h>

#include <string>

#include "config_test_support.h"

namespace agw::config {
namespace {

Settings good(const std::string& yaml, Variables variables) {
  LoadResult result = parse(yaml, std::move(variables));
  EXPECT_EQ(lines(result.problems), "");
  EXPECT_EQ(lines(result.warnings), "");
  return result.settings;
}

std::string problems(Variables variables) {
  return lines(parse(kMinimal, std::move(variables)).problems);
}

TEST(Environment, HasAHostAndAPortForTheListener) {
  const auto listen = [](Variables variables) {
    return good(kMinimal + "server: {listen: \"127.0.0.1:1\"}\n", std::move(variables))
        .server.listen;
  };
  EXPECT_EQ(listen({{"AGENT_API_HOST", "127.0.0.2"}, {"AGENT_API_PORT", "81"}}), "127.0.0.2:81");
  EXPECT_EQ(listen({{"AGENT_API_HOST", "127.0.0.2"}}), "127.0.0.2:8000");
  EXPECT_EQ(listen({{"AGENT_API_PORT", "81"}}), "0.0.0.0:81");
  EXPECT_EQ(listen({{"AGENT_API_HOST", "::1"}}), "[::1]:8000");
  EXPECT_EQ(listen({{"AGENT_API_HOST", "[::1]"}}), "[::1]:8000");
  EXPECT_EQ(listen({{"AGENT_API_HOST", ""}, {"AGENT_API_PORT", ""}}), "127.0.0.1:1");
  EXPECT_EQ(listen({{"AGENT_GATEWAY_LISTEN", "127.0.0.3:3"}, {"AGENT_API_PORT", "nonsense"}}),
            "127.0.0.3:3");
}

TEST(Environment, HasLevelsAsPythonNamesThem) {
  const auto level = [](Variables variables) {
    return good(kMinimal + "log: {level: info}\n", std::move(variables)).log.level;
  };
  EXPECT_EQ(level({{"LOG_LEVEL", "DEBUG"}}), "debug");
  EXPECT_EQ(level({{"LOG_LEVEL", "Warning"}}), "warn");
  EXPECT_EQ(level({{"LOG_LEVEL", "CRITICAL"}}), "error");
  EXPECT_EQ(level({{"LOG_LEVEL", "error"}}), "error");
  EXPECT_EQ(level({{"LOG_LEVEL", ""}}), "info");
  EXPECT_EQ(level({{"LOG_LEVEL", "nonsense"}, {"AGENT_GATEWAY_LOG_LEVEL", "warn"}}), "warn");
}

TEST(Environment, HasTheModelOfAgentsThatNameNone) {
  const std::string yaml =
      "upstreams: {up: {base_url: \"http://h/\"}}\n"
      "agents:\n"
      "- {name: a, upstream: up, instructions: x}\n"
      "- {name: b, upstream: up, model: own, instructions: x}\n";
  const Settings settings = good(yaml, {{"DEFAULT_MODEL", "of-the-variable"}});
  EXPECT_EQ(settings.agents[0].model, "of-the-variable");
  EXPECT_EQ(settings.agents[1].model, "own");
  EXPECT_EQ(
      good(yaml + "defaults: {model: of-the-file}\n", {{"DEFAULT_MODEL", "v"}}).agents[0].model,
      "v");
  EXPECT_EQ(
      good(yaml + "defaults: {model: of-the-file}\n", {{"DEFAULT_MODEL", ""}}).agents[0].model,
      "of-the-file");
}

TEST(Environment, TakesNamesOfTheProgramBeforeOthers) {
  const std::string yaml = kMinimal + "mcp_servers: {m: {url: \"http://h:1/\"}}\n";
  const Settings settings = good(yaml, {{"AGENT_GATEWAY_DEFAULT_MODEL", "ours"},
                                        {"DEFAULT_MODEL", "\n"},
                                        {"AGENT_GATEWAY_MCP_SERVER_URL", "http://h:2/"},
                                        {"MCP_SERVER_URL", "nonsense"}});
  EXPECT_EQ(settings.defaults.model, "ours");
  EXPECT_EQ(settings.mcp_servers.at("m").url.port, 2);
}

TEST(Environment, HasTheAddressOfTheOnlyMcpServer) {
  const Variables variables = {{"MCP_SERVER_URL", "http://127.0.0.1:8989/mcp"}};
  const std::string one = kMinimal + "mcp_servers:\n  m: {url: \"http://127.0.0.1:1/x\"}\n";
  EXPECT_EQ(good(one, variables).mcp_servers.at("m").url.port, 8989);
  for (const std::string& yaml :
       {kMinimal, one + "  n: {url: \"http://127.0.0.1:2/x\"}\n",
        kMinimal + "mcp_servers: {m: {transport: stdio, command: c}}\n"}) {
    const LoadResult result = parse(yaml, variables);
    EXPECT_EQ(lines(result.problems), "");
    EXPECT_EQ(formatProblem(result.warnings.back()),
              "environment: MCP_SERVER_URL: is not used: it is for a configuration whose "
              "mcp_servers are one, with a url");
    for (const auto& [name, server] : result.settings.mcp_servers) {
      EXPECT_NE(server.url.port, 8989) << name;
    }
  }
}

TEST(Environment, IsAnsweredByTheNameOfTheVariable) {
  EXPECT_EQ(problems({{"AGENT_API_HOST", "localhost"}, {"AGENT_API_PORT", "65536"}}),
            "environment: AGENT_API_HOST: not an IP address; write e.g. 0.0.0.0\n"
            "environment: AGENT_API_PORT: not a port; write 0 to 65535\n");
  EXPECT_EQ(problems({{"LOG_LEVEL", "hunter2"}}),
            "environment: LOG_LEVEL: not a level; write debug, info, warn or error\n");
  EXPECT_EQ(problems({{"DEFAULT_MODEL", "hunter2\n"}}),
            "environment: DEFAULT_MODEL: not a model name; write it as the upstream knows it\n");
  EXPECT_EQ(problems({{"MCP_SERVER_URL", "hunter2"}}),
            "environment: MCP_SERVER_URL: not an absolute URL; write e.g. "
            "http://localhost:8080/path\n");
}

TEST(Environment, LeavesNamesAloneThatMeanNothingHere) {
  const Settings settings =
      good(kMinimal, {{"AGENT_NAME", "other"}, {"SESSION_TIMEOUT_SECONDS", "1"}});
  ASSERT_EQ(settings.agents.size(), 1U);
  EXPECT_EQ(settings.agents[0].id, "default/a");
}

}  // namespace
}  // namespace agw::config
