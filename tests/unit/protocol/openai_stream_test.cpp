#include "protocol/openai_stream.h"

#include <gtest/gtest.h>

namespace agw::protocol {
namespace {

const AnswerIdentity kWho{"chatcmpl-1", 1700000000, "assistant"};

TEST(ChatChunk, ReadsContentExtrasAndFinish) {
  const auto chunk = parseChatChunk(
      R"({"id":"x","choices":[{"index":0,"delta":{"role":"assistant","content":"Hé","reasoning_content":"so","refusal":null},"finish_reason":null}]})");
  ASSERT_TRUE(chunk);
  EXPECT_TRUE(chunk->has_choice);
  EXPECT_FALSE(chunk->whole_message);
  EXPECT_EQ(chunk->content, "Hé");
  ASSERT_EQ(chunk->extras.size(), 1u);
  EXPECT_EQ(chunk->extras[0].key, "reasoning_content");
  EXPECT_EQ(chunk->extras[0].value, R"("so")");
  EXPECT_EQ(chunk->finish_reason, "");
  EXPECT_FALSE(chunk->usage);
}

TEST(ChatChunk, ReadsAWholeMessageAndUsage) {
  const auto chunk = parseChatChunk(
      R"({"choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}})");
  ASSERT_TRUE(chunk);
  EXPECT_TRUE(chunk->whole_message);
  EXPECT_EQ(chunk->finish_reason, "stop");
  ASSERT_TRUE(chunk->usage);
  EXPECT_EQ(chunk->usage->total_tokens, 7);
}

TEST(ChatChunk, KeepsUpstreamErrorTextOutOfTheMessage) {
  for (const char* json : {R"({"error":{"message":"boom","code":400}})", R"({"error":"boom"})"}) {
    const auto chunk = parseChatChunk(json);
    ASSERT_FALSE(chunk);
    EXPECT_EQ(chunk.error().code, ErrorCode::UpstreamError);
    EXPECT_EQ(chunk.error().detail, "boom");
    EXPECT_EQ(chunk.error().message.find("boom"), std::string::npos);
  }
}

TEST(ChatChunk, RefusesWhatIsNoObject) {
  for (const char* json : {"", "[]", "{", "null", "{\"choices\":["}) {
    const auto chunk = parseChatChunk(json);
    ASSERT_FALSE(chunk) << json;
    EXPECT_EQ(chunk.error().code, ErrorCode::UpstreamInvalidResponse) << json;
  }
}

std::vector<ToolCallCollector::Call> collect(const std::vector<ToolCallPart>& parts) {
  ToolCallCollector collector;
  for (const ToolCallPart& part : parts) EXPECT_TRUE(collector.add(part));
  return collector.take();
}

TEST(ToolCallCollector, AssemblesFragmentsByIndex) {
  const auto calls = collect({{0, "call_a", "weather", ""},
                              {1, "call_b", "time", ""},
                              {0, "", "", R"({"city":)"},
                              {1, "", "", "{}"},
                              {0, "", "", R"("Rome"})"}});
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].id, "call_a");
  EXPECT_EQ(calls[0].name, "weather");
  EXPECT_EQ(calls[0].arguments, R"({"city":"Rome"})");
  EXPECT_EQ(calls[1].arguments, "{}");
}

TEST(ToolCallCollector, DoesNotAppendRepeatedIdsAndNames) {
  const auto calls = collect({{0, "c", "f", "{"}, {0, "c", "f", "}"}});
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].id, "c");
  EXPECT_EQ(calls[0].name, "f");
  EXPECT_EQ(calls[0].arguments, "{}");
}

TEST(ToolCallCollector, OpensACallForANewIdOnTheSameIndex) {
  const auto calls = collect({{0, "a", "f", "{}"}, {0, "b", "g", "{}"}});
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[1].name, "g");
}

TEST(ToolCallCollector, WorksWithoutIndexes) {
  const auto calls = collect({{{}, "a", "f", "{"}, {{}, "", "", "}"}, {{}, "b", "g", "{}"}});
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].arguments, "{}");
}

TEST(ToolCallCollector, MakesMissingIdsAndArguments) {
  const auto calls = collect({{0, "", "f", ""}});
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_TRUE(calls[0].id.starts_with("call_"));
  EXPECT_EQ(calls[0].arguments, "{}");
}

TEST(ToolCallCollector, IsBounded) {
  ToolCallCollector collector;
  for (unsigned i = 0; i < ToolCallCollector::kMaxCalls; ++i) {
    ASSERT_TRUE(collector.add({i, "c" + std::to_string(i), "f", "{}"}));
  }
  EXPECT_FALSE(collector.add({999, "one-more", "f", "{}"}));
  ToolCallCollector big;
  EXPECT_TRUE(big.add({0, "c", "f", std::string(ToolCallCollector::kMaxBytes - 2, 'x')}));
  EXPECT_FALSE(big.add({0, "", "", "x"}));
}

// What clients see is pinned byte for byte.
TEST(Chunks, AreExact) {
  const std::string head =
      R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"assistant","choices":[)";
  EXPECT_EQ(
      contentChunk(kWho, true, "a\"b", {}),
      head +
          R"({"index":0,"delta":{"role":"assistant","content":"a\"b"},"logprobs":null,"finish_reason":null}]})");
  EXPECT_EQ(
      contentChunk(kWho, false, "c", {{"reasoning", "\"r\""}}),
      head +
          R"({"index":0,"delta":{"content":"c","reasoning":"r"},"logprobs":null,"finish_reason":null}]})");
  EXPECT_EQ(
      toolCallsChunk(kWho, true, {{"call_1", "f", "{}"}}),
      head +
          R"({"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},"logprobs":null,"finish_reason":null}]})");
  EXPECT_EQ(finishChunk(kWho, false, "stop"),
            head + R"({"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]})");
  EXPECT_EQ(
      usageChunk(kWho, {1, 2, 3}),
      R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"assistant","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})");
  EXPECT_EQ(sseData("{}"), "data: {}\n\n");
}

TEST(RewriteChunk, ReplacesTheHeadAndKeepsTheRestByteForByte) {
  const std::string json =
      R"({"id":"up","object":"x","created":1.5,"model":"up","system_fingerprint":"fp","choices":[{"index":0,"delta":{"content":"\u00e9"},"finish_reason":null}],"usage":null})";
  const auto chunk = parseChatChunk(json);
  ASSERT_TRUE(chunk);
  EXPECT_EQ(
      rewriteChunk(kWho, *chunk),
      R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"assistant","system_fingerprint":"fp","choices":[{"index":0,"delta":{"content":"\u00e9"},"finish_reason":null}]})");
}

TEST(RewriteChunk, DropsChunksWithoutChoices) {
  for (const char* json :
       {R"({"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}})", R"({"id":"x"})"}) {
    const auto chunk = parseChatChunk(json);
    ASSERT_TRUE(chunk);
    EXPECT_EQ(rewriteChunk(kWho, *chunk), "");
  }
}

TEST(ChatCompletion, HasEveryRequiredField) {
  FinalMessage message;
  message.content = "hi";
  message.finish_reason = "stop";
  message.usage = Usage{1, 2, 3};
  EXPECT_EQ(
      chatCompletion(kWho, message),
      R"({"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"assistant","choices":[{"index":0,"message":{"role":"assistant","content":"hi","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})");
}

TEST(ToolMessages, AreExact) {
  EXPECT_EQ(
      assistantToolCallMessage("", {{"c", "f", R"({"a":1})"}}),
      R"({"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]})");
  EXPECT_EQ(toolResultMessage("c", "21 °C\n"),
            "{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"21 °C\\n\"}");
}

}  // namespace
}  // namespace agw::protocol
