#include "tool/mcp_tool.h"

#include <gtest/gtest.h>

#include "support/memory_log.h"
#include "tests/unit/mcp/fake_http_client.h"

namespace agw::test {
namespace {

class FakeSession final : public mcp::Session {
 public:
  Result<mcp::ToolList> tools = std::make_shared<const std::vector<mcp::RemoteTool>>();
  Result<mcp::CallOutcome> outcome = mcp::CallOutcome{"sunny", false};
  std::string called;
  std::string arguments;
  mcp::CallOptions options;
  int listings = 0;

  net::awaitable<Result<mcp::ToolList>> listTools(Deadline) override {
    ++listings;
    co_return tools;
  }
  net::awaitable<Result<mcp::CallOutcome>> callTool(std::string name, std::string arguments_json,
                                                    mcp::CallOptions call_options) override {
    called = std::move(name);
    arguments = std::move(arguments_json);
    options = std::move(call_options);
    co_return outcome;
  }
  net::awaitable<Result<mcp::ToolList>> refreshTools(Deadline deadline) override {
    return listTools(deadline);
  }
  mcp::SessionStatus status() const override { return {}; }
  net::awaitable<void> close() override { co_return; }
};

class McpTool : public ::testing::Test {
 protected:
  McpTool() {
    settings.name = "weather";
    settings.provider = config::ToolProvider::Mcp;
    settings.mcp_server = "w";
    settings.mcp_method = "get_weather";
    session.tools =
        std::make_shared<const std::vector<mcp::RemoteTool>>(std::vector<mcp::RemoteTool>{
            {"other", "Other.", "{}"}, {"get_weather", "From the server.", R"({"minimum":1.0})"}});
  }
  tool::ToolSpec describe() {
    tool::McpTool tool(settings, session, log);
    return runOn(context, tool.describe(Deadline::in(Millis(100))));
  }
  tool::ToolResult call(Millis limit = Millis(1000)) {
    tool::McpTool tool(settings, session, log);
    return runOn(context, tool.call({R"({"city":"Oslo"})", Deadline::in(limit), "req-1", "00-a"}));
  }

  net::io_context context;
  FakeSession session;
  MemoryLog log;
  config::ToolSettings settings;
};

TEST_F(McpTool, IsDescribedByTheServerUnderItsConfiguredName) {
  const auto spec = describe();
  EXPECT_EQ(spec.name, "weather");
  EXPECT_EQ(spec.description, "From the server.");
  EXPECT_EQ(spec.parameters_json, R"({"minimum":1.0})");
}

TEST_F(McpTool, PrefersItsConfiguration) {
  settings.description = "Ours.";
  auto spec = describe();
  EXPECT_EQ(spec.description, "Ours.");
  EXPECT_EQ(spec.parameters_json, R"({"minimum":1.0})");

  settings.parameters_json = R"({"type":"object","properties":{}})";
  session.listings = 0;
  spec = describe();
  EXPECT_EQ(spec.parameters_json, R"({"type":"object","properties":{}})");
  EXPECT_EQ(session.listings, 0);
}

TEST_F(McpTool, TakesAnOpenSchemaWhenTheServerCannotSay) {
  session.tools = toolError("down");
  settings.description = "Ours.";
  const auto spec = describe();
  EXPECT_EQ(spec.description, "Ours.");
  EXPECT_EQ(spec.parameters_json, R"({"type":"object"})");
}

TEST_F(McpTool, SaysInTheLogThatTheServerHasNoSuchTool) {
  settings.mcp_method = "gone";
  EXPECT_EQ(describe().parameters_json, R"({"type":"object"})");
  ASSERT_EQ(log.lines().size(), 1u);
  EXPECT_NE(log.lines()[0].find(R"("event":"mcp_tool_unknown")"), std::string::npos);
}

TEST_F(McpTool, CallsTheServersToolByItsOwnName) {
  const auto result = call();
  EXPECT_EQ(result.text, "sunny");
  EXPECT_FALSE(result.is_error);
  EXPECT_TRUE(result.started);
  EXPECT_EQ(session.called, "get_weather");
  EXPECT_EQ(session.arguments, R"({"city":"Oslo"})");
  EXPECT_EQ(session.options.traceparent, "00-a");
}

TEST_F(McpTool, EndsAtTheEarlierOfTheTwoTimes) {
  settings.timeout = Millis(50);
  call(Millis(60000));
  EXPECT_LE(session.options.deadline.remaining(), Millis(50));
  settings.timeout = Millis(60000);
  call(Millis(50));
  EXPECT_LE(session.options.deadline.remaining(), Millis(50));
}

TEST_F(McpTool, PassesTheToolsOwnErrorOn) {
  session.outcome = mcp::CallOutcome{"no such city", true};
  const auto result = call();
  EXPECT_EQ(result.text, "no such city");
  EXPECT_TRUE(result.is_error);
  EXPECT_TRUE(result.started);
  EXPECT_TRUE(log.lines().empty());
}

TEST_F(McpTool, TurnsAFailureIntoAResult) {
  session.outcome = toolError("The MCP server \"w\" failed.", "internal 10.0.0.7");
  auto result = call();
  EXPECT_EQ(result.text, "The MCP server \"w\" failed.");
  EXPECT_TRUE(result.is_error);
  EXPECT_TRUE(result.started);
  ASSERT_EQ(log.lines().size(), 1u);
  EXPECT_NE(log.lines()[0].find("internal 10.0.0.7"), std::string::npos);

  Error unsent = toolError("The MCP server \"w\" cannot be reached.");
  unsent.retryable = true;
  session.outcome = unsent;
  result = call();
  EXPECT_TRUE(result.is_error);
  EXPECT_FALSE(result.started);
}

}  // namespace
}  // namespace agw::test
