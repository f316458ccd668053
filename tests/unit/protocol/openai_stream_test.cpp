#include "protocol/openai_stream.h"

#include <gtest/gtest.h>

namespace agw::protocol {
namespace {

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

}  // namespace
}  // namespace agw::protocol
