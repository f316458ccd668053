#include "agent/run_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/fakes.h"
#include "agent/tool_round.h"
#include "base/json_reader.h"
#include "support/coroutine.h"
#include "support/memory_log.h"

namespace agw::agent {
namespace {

using test::answers;
using test::ScriptedAnswer;
using test::ScriptedBackend;
using test::ScriptedTool;
using testing::ElementsAre;

std::string delta(const std::string& inner, const char* finish = "null",
                  const std::string& more = "") {
  return R"({"choices":[{"index":0,"delta":)" + inner + R"(,"finish_reason":)" + finish + "}]" +
         more + "}";
}

std::string usage(int prompt, int completion) {
  return R"({"choices":[],"usage":{"prompt_tokens":)" + std::to_string(prompt) +
         R"(,"completion_tokens":)" + std::to_string(completion) + "}}";
}

ScriptedAnswer text(const std::string& words) {
  return {{delta(R"({"role":"assistant","content":")" + words + "\"}"), delta("{}", "\"stop\""),
           usage(10, 2)},
          {},
          {}};
}

ScriptedAnswer toolCall(const std::string& name, const std::string& id = "call_1") {
  return {{delta(R"({"tool_calls":[{"index":0,"id":")" + id +
                 R"(","type":"function","function":{"name":")" + name + R"(","arguments":""}}]})"),
           delta(R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":"}}]})"),
           delta(R"({"tool_calls":[{"index":0,"function":{"arguments":"\"Rome\"}"}}]})"),
           delta("{}", "\"tool_calls\""), usage(7, 3)},
          {},
          {}};
}

class RunLoopTest : public testing::Test {
 protected:
  RunLoopTest() {
    agent_.id = "default/assistant";
    agent_.instructions = "Be brief.";
    agent_.model = "up-model";
  }

  Result<RunOutcome> run(ScriptedBackend& backend, std::vector<tool::Tool*> tools,
                         const std::string& more = R"(,"stream":true)",
                         Deadline deadline = Deadline::in(Millis(10000))) {
    auto request = protocol::parseChatRequest(
        R"({"model":"assistant","messages":[{"role":"user","content":"hi"}],"seed":42)" + more +
        "}");
    request_ = std::move(request.value());
    report_ = {};
    const RunInput input{*request_, agent_, backend, tools, deadline, "req-1", "", metrics_};
    return test::runCoroutine(context_, runAgent(input, sink_, report_, log_));
  }

  static std::vector<std::string> roles(std::string_view body) {
    std::vector<std::string> out;
    const auto parsed = parseJson(body);
    for (const Json& message : (*parsed)["messages"]) out.push_back(message["role"]);
    return out;
  }

  net::io_context context_;
  config::AgentSettings agent_;
  std::unique_ptr<protocol::ChatRequest> request_;
  test::TextSink sink_;
  test::MemoryLog log_;
  telemetry::MetricsShard metrics_;
  RunReport report_;
};

TEST_F(RunLoopTest, AnswersWithoutTools) {
  ScriptedBackend backend({text("hello")});
  const auto outcome = run(backend, {});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->finish_reason, "stop");
  EXPECT_EQ(sink_.text(), "hello");
  EXPECT_EQ(
      backend.calls[0].body,
      R"({"model":"up-model","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"hi"}],"seed":42,"stream":true,"stream_options":{"include_usage":true}})");
  EXPECT_EQ(report_.llm_calls, 1u);
  EXPECT_FALSE(report_.toolStarted());
}

// S1-36: each result stands after the assistant message that asked for it.
TEST_F(RunLoopTest, RunsAToolAndAsksAgain) {
  ScriptedTool weather("weather", answers("sunny"));
  ScriptedBackend backend({toolCall("weather"), text("It is sunny.")});
  const auto outcome = run(backend, {&weather});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(sink_.text(), "It is sunny.");
  EXPECT_THAT(weather.arguments, ElementsAre(R"({"city":"Rome"})"));
  const auto counted = metrics_.counts().tools;
  ASSERT_EQ(counted.size(), 1u);
  EXPECT_EQ(counted.at("weather").ok, 1u);
  EXPECT_EQ(counted.at("weather").provider, "http");
  ASSERT_EQ(backend.calls.size(), 2u);
  EXPECT_THAT(roles(backend.calls[1].body.view()),
              ElementsAre("system", "user", "assistant", "tool"));
  const auto second = parseJson(backend.calls[1].body.view());
  EXPECT_EQ((*second)["messages"][2]["tool_calls"][0]["id"], "call_1");
  EXPECT_EQ((*second)["messages"][3]["tool_call_id"], "call_1");
  EXPECT_EQ((*second)["messages"][3]["content"], "sunny");
  EXPECT_EQ((*second)["tools"][0]["function"]["name"], "weather");
  EXPECT_EQ(report_.tool_calls, 1u);
  ASSERT_TRUE(report_.usage);
  EXPECT_EQ(report_.usage->prompt_tokens, 17);
  EXPECT_EQ(report_.usage->completion_tokens, 5);
  EXPECT_EQ(report_.usage->total_tokens, 22);
}

TEST_F(RunLoopTest, AHopWithoutUsageLeavesTheSumOut) {
  ScriptedTool weather("weather", answers("sunny"));
  ScriptedAnswer silent = text("done");
  silent.chunks.pop_back();
  ScriptedBackend backend({toolCall("weather"), silent});
  ASSERT_TRUE(run(backend, {&weather}));
  EXPECT_FALSE(report_.usage);
}

TEST_F(RunLoopTest, ParallelCallsKeepTheirOrder) {
  std::vector<std::string> order;
  const auto slow = [&](std::string name, int ms) {
    return [&order, name, ms](tool::ToolCall) -> net::awaitable<tool::ToolResult> {
      net::steady_timer timer(co_await net::this_coro::executor, Millis(ms));
      co_await timer.async_wait(net::use_awaitable);
      order.push_back(name);
      tool::ToolResult result{name + " done", false, true};
      co_return result;
    };
  };
  ScriptedTool first("first", slow("first", 30));
  ScriptedTool second("second", slow("second", 1));
  ScriptedAnswer both{
      {delta(
           R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"first","arguments":"{}"}},{"index":1,"id":"b","function":{"name":"second","arguments":"{}"}}]})"),
       delta("{}", "\"tool_calls\"")},
      {},
      {}};
  ScriptedBackend backend({both, text("ok")});
  ASSERT_TRUE(run(backend, {&first, &second}));
  EXPECT_THAT(order, ElementsAre("second", "first"));
  const auto body = parseJson(backend.calls[1].body.view());
  EXPECT_EQ((*body)["messages"][3]["content"], "first done");
  EXPECT_EQ((*body)["messages"][4]["content"], "second done");
}

// Neither ids nor numbers, an object for arguments, and "stop" after calls.
TEST_F(RunLoopTest, RunsTheToolsOfASloppyServer) {
  ScriptedTool weather("weather", answers("sunny"));
  ScriptedTool clock("clock", answers("noon"));
  ScriptedAnswer sloppy{
      {R"({"choices":[{"delta":{"role":"","tool_calls":[{"function":{"name":"weather","arguments":{"city":"Rome"}}}]}}]})",
       R"({"choices":[{"delta":{"tool_calls":[{"function":{"name":"clock"}}]},"finish_reason":"stop"}]})"},
      {},
      {}};
  ScriptedBackend backend({sloppy, text("Sunny at noon.")});
  ASSERT_TRUE(run(backend, {&weather, &clock}));
  EXPECT_THAT(weather.arguments, ElementsAre(R"({"city":"Rome"})"));
  EXPECT_THAT(clock.arguments, ElementsAre("{}"));
  const auto body = parseJson(backend.calls[1].body.view());
  const Json& messages = (*body)["messages"];
  const Json& calls = messages[2]["tool_calls"];
  EXPECT_NE(calls[0]["id"], calls[1]["id"]);
  EXPECT_EQ(messages[3]["tool_call_id"], calls[0]["id"]);
  EXPECT_EQ(messages[4]["tool_call_id"], calls[1]["id"]);
  EXPECT_EQ(messages[4]["content"], "noon");
}

TEST_F(RunLoopTest, RunsALegacyFunctionCall) {
  ScriptedTool weather("weather", answers("sunny"));
  ScriptedAnswer legacy{
      {delta(R"({"function_call":{"name":"weather","arguments":"{\"city\":"}})"),
       delta(R"({"function_call":{"arguments":"\"Rome\"}"}})"), delta("{}", "\"function_call\"")},
      {},
      {}};
  ScriptedBackend backend({legacy, text("ok")});
  ASSERT_TRUE(run(backend, {&weather}));
  EXPECT_THAT(weather.arguments, ElementsAre(R"({"city":"Rome"})"));
}

TEST_F(RunLoopTest, TakesOneOfSeveralChoices) {
  ScriptedAnswer two{
      {R"({"choices":[{"index":0,"delta":{"content":"yes"}},{"index":1,"delta":{"content":"no"}}]})",
       R"({"choices":[{"index":1,"delta":{},"finish_reason":"length"},{"index":0,"delta":{},"finish_reason":"stop"}]})"},
      {},
      {}};
  ScriptedBackend backend({two});
  const auto outcome = run(backend, {});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(sink_.text(), "yes");
  EXPECT_EQ(outcome->finish_reason, "stop");
}

// Without [DONE] and without a finish reason nobody knows what is missing.
TEST_F(RunLoopTest, DoesNotRunToolsOfAnAnswerThatBrokeOff) {
  ScriptedTool weather("weather", answers("sunny"));
  ScriptedAnswer cut = toolCall("weather");
  cut.chunks.resize(3);
  ScriptedBackend backend({cut, text("never")});
  const auto outcome = run(backend, {&weather});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::UpstreamStreamTruncated);
  EXPECT_TRUE(weather.arguments.empty());
}

TEST_F(RunLoopTest, TheHopLimitIsANormalEnd) {
  agent_.policies.max_tool_hops = 2;
  ScriptedTool weather("weather", answers("sunny"));
  ScriptedBackend backend(
      {toolCall("weather", "a"), toolCall("weather", "b"), toolCall("weather", "c")});
  const auto outcome = run(backend, {&weather});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->finish_reason, "length");
  EXPECT_THAT(sink_.text(), testing::HasSubstr("limit of 2 tool hops"));
  EXPECT_EQ(weather.arguments.size(), 2u);
}

TEST_F(RunLoopTest, TellsTheModelWhatCannotRun) {
  ScriptedTool weather("weather", answers("sunny"));
  ScriptedAnswer broken{
      {delta(
           R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"nope","arguments":"{}"}},{"index":1,"id":"b","function":{"name":"weather","arguments":"[1]"}}]})"),
       delta("{}", "\"tool_calls\"")},
      {},
      {}};
  ScriptedBackend backend({broken, text("sorry")});
  ASSERT_TRUE(run(backend, {&weather}));
  const auto body = parseJson(backend.calls[1].body.view());
  EXPECT_EQ((*body)["messages"][3]["content"], "There is no tool named \"nope\".");
  EXPECT_EQ((*body)["messages"][4]["content"],
            "The arguments of \"weather\" must be a JSON object.");
  EXPECT_TRUE(weather.arguments.empty());
  EXPECT_FALSE(report_.toolStarted());
}

TEST_F(RunLoopTest, AToolThatDidNotStartDoesNotCount) {
  ScriptedTool weather("weather", answers("unreachable", true, false));
  ScriptedAnswer failing;
  failing.open_error = upstreamError(ErrorCode::UpstreamUnreachable, "gone");
  ScriptedBackend backend({toolCall("weather"), failing});
  const auto outcome = run(backend, {&weather});
  ASSERT_FALSE(outcome);
  EXPECT_FALSE(report_.toolStarted());
}

TEST_F(RunLoopTest, RemembersThatAToolHasRun) {
  ScriptedTool weather("weather", answers("sunny"));
  ScriptedAnswer failing;
  failing.open_error = upstreamError(ErrorCode::UpstreamUnreachable, "gone");
  ScriptedBackend backend({toolCall("weather"), failing});
  const auto outcome = run(backend, {&weather});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::UpstreamUnreachable);
  EXPECT_TRUE(report_.toolStarted());
}

TEST_F(RunLoopTest, MakesRepeatedCallIdsUnique) {
  ScriptedTool weather("weather", answers("sunny"));
  ScriptedBackend backend({toolCall("weather", "0"), toolCall("weather", "0"), text("ok")});
  ASSERT_TRUE(run(backend, {&weather}));
  const auto body = parseJson(backend.calls[2].body.view());
  const Json& messages = (*body)["messages"];
  EXPECT_EQ(messages[2]["tool_calls"][0]["id"], "0");
  EXPECT_NE(messages[4]["tool_calls"][0]["id"], "0");
  EXPECT_EQ(messages[4]["tool_calls"][0]["id"], messages[5]["tool_call_id"]);
}

TEST_F(RunLoopTest, GivesCallsOfClientToolsBack) {
  ScriptedTool weather("weather", answers("sunny"));
  ScriptedBackend backend({toolCall("mine")});
  const auto outcome =
      run(backend, {&weather},
          R"(,"stream":true,"tools":[{"type":"function","function":{"name":"mine"}}])");
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->finish_reason, "tool_calls");
  ASSERT_EQ(outcome->client_tool_calls.size(), 1u);
  EXPECT_EQ(outcome->client_tool_calls[0].name, "mine");
  EXPECT_TRUE(weather.arguments.empty());
}

TEST_F(RunLoopTest, RefusesAClientToolWithAnAgentToolsName) {
  ScriptedTool weather("weather", answers("sunny"));
  ScriptedBackend backend({text("never")});
  const auto outcome =
      run(backend, {&weather}, R"(,"tools":[{"type":"function","function":{"name":"weather"}}])");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::ToolNameConflict);
  EXPECT_EQ(outcome.error().param, "tools[0].function.name");
  EXPECT_TRUE(backend.calls.empty());
}

TEST_F(RunLoopTest, SendsToolChoiceOnTheFirstHopOnly) {
  ScriptedTool weather("weather", answers("sunny"));
  ScriptedBackend backend({toolCall("weather"), text("ok")});
  ASSERT_TRUE(run(backend, {&weather}, R"(,"tool_choice":"required")"));
  EXPECT_TRUE(parseJson(backend.calls[0].body.view())->contains("tool_choice"));
  EXPECT_FALSE(parseJson(backend.calls[1].body.view())->contains("tool_choice"));
}

TEST_F(RunLoopTest, StopsAtTheRunsDeadline) {
  ScriptedBackend backend({text("never")});
  const auto outcome = run(backend, {}, "", Deadline::in(Millis(0)));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::RunTimeout);
  EXPECT_TRUE(backend.calls.empty());
}

TEST_F(RunLoopTest, EndsWhenTheSinkFails) {
  sink_.fail_after = 1;
  ScriptedBackend backend({text("hello")});
  const auto outcome = run(backend, {});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::RunCancelled);
}

TEST_F(RunLoopTest, SeparatesTheTextOfTwoHops) {
  ScriptedTool weather("weather", answers("sunny"));
  ScriptedAnswer talking = toolCall("weather");
  talking.chunks.insert(talking.chunks.begin(), delta(R"({"content":"Let me look."})"));
  ScriptedBackend backend({talking, text("Sunny.")});
  ASSERT_TRUE(run(backend, {&weather}));
  EXPECT_EQ(sink_.text(), "Let me look.\n\nSunny.");
}

TEST_F(RunLoopTest, NeverLogsArguments) {
  ScriptedTool weather("weather", answers("sunny"));
  ScriptedBackend backend({toolCall("weather"), text("ok")});
  ASSERT_TRUE(run(backend, {&weather}));
  const auto lines = log_.lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], testing::HasSubstr(R"("tool":"weather")"));
  EXPECT_THAT(lines[0], testing::Not(testing::HasSubstr("Rome")));
}

TEST(BoundToolText, CutsAtACharacterAndSaysSo) {
  EXPECT_EQ(boundToolText("short", 5), "short");
  std::string text;
  for (int i = 0; i < 50; ++i) text += "é";
  const std::string cut = boundToolText(text, 60);
  EXPECT_LE(cut.size(), 60u);
  EXPECT_THAT(cut, testing::EndsWith("\n[cut: 100 bytes in all]"));
  EXPECT_EQ(cut.substr(0, 2), "é");
  EXPECT_EQ((cut.size() - std::string("\n[cut: 100 bytes in all]").size()) % 2, 0u);
}

}  // namespace
}  // namespace agw::agent
