#include "protocol/openai_answer.h"

#include <gtest/gtest.h>

namespace agw::protocol {
namespace {

const AnswerIdentity kWho{"chatcmpl-1", 1700000000, "assistant"};

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
      usageChunk(kWho, R"({"prompt_tokens":1,"completion_tokens":2,"total_tokens":3})"),
      R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"assistant","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})");
  EXPECT_EQ(sseData("{}"), "data: {}\n\n");
}

TEST(RewriteChunk, PutsOurHeadBeforeTheRest) {
  ChatChunk chunk;
  chunk.rest = R"(,"choices":[{}],"x":1.50})";
  EXPECT_EQ(
      rewriteChunk(kWho, chunk),
      R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"assistant","choices":[{}],"x":1.50})");
  EXPECT_EQ(
      rewriteAnswer(kWho, chunk),
      R"({"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"assistant","choices":[{}],"x":1.50})");
  EXPECT_EQ(rewriteChunk(kWho, ChatChunk()), "");
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
