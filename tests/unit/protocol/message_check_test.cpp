#include "protocol/message_check.h"

#include <gtest/gtest.h>

#include <string>

#include "protocol/openai_chat.h"

namespace agw::protocol {
namespace {

TEST(MessageCheck, NamesTheCodeAndTheField) {
  const struct {
    const char* message;
    ErrorCode code;
    const char* param;
  } table[] = {
      {R"({"role":7,"content":"x"})", ErrorCode::InvalidType, "messages[0].role"},
      {R"({"role":"user","content":null})", ErrorCode::MissingParameter, "messages[0].content"},
      {R"({"role":"user","content":{}})", ErrorCode::InvalidType, "messages[0].content"},
      {R"({"role":"user","content":["x"]})", ErrorCode::InvalidType, "messages[0].content[0]"},
      {R"({"role":"user","content":[{"type":5}]})", ErrorCode::InvalidType,
       "messages[0].content[0].type"},
      {R"({"role":"user","content":[{"type":"text"}]})", ErrorCode::MissingParameter,
       "messages[0].content[0].text"},
      {R"({"role":"user","content":[{"type":"x"},{"type":"text","text":5}]})",
       ErrorCode::InvalidType, "messages[0].content[1].text"},
      {R"({"role":"user","content":[{"type":"image_url","image_url":5}]})", ErrorCode::InvalidType,
       "messages[0].content[0].image_url"},
      {R"({"role":"user","content":[{"type":"image_url","image_url":{"url":5}}]})",
       ErrorCode::InvalidType, "messages[0].content[0].image_url.url"},
      {R"({"role":"user","content":[{"type":"input_audio","input_audio":"x"}]})",
       ErrorCode::InvalidType, "messages[0].content[0].input_audio"},
      {R"({"role":"user","content":[{"type":"file","file":[]}]})", ErrorCode::InvalidType,
       "messages[0].content[0].file"},
      {R"({"role":"user","content":"x","name":5})", ErrorCode::InvalidType, "messages[0].name"},
      {R"({"role":"tool","content":"x","tool_call_id":5})", ErrorCode::InvalidType,
       "messages[0].tool_call_id"},
      {R"({"role":"assistant","tool_calls":{}})", ErrorCode::InvalidType, "messages[0].tool_calls"},
      {R"({"role":"assistant","tool_calls":[1]})", ErrorCode::InvalidType,
       "messages[0].tool_calls[0]"},
      {R"({"role":"assistant","tool_calls":[{"id":1}]})", ErrorCode::InvalidType,
       "messages[0].tool_calls[0].id"},
      {R"({"role":"assistant","tool_calls":[{"id":"1","function":"f"}]})", ErrorCode::InvalidType,
       "messages[0].tool_calls[0].function"},
      {R"({"role":"assistant","function_call":"f"})", ErrorCode::InvalidType,
       "messages[0].function_call"},
  };
  for (const auto& row : table) {
    const auto parsed =
        parseChatRequest(R"({"model":"m","messages":[)" + std::string(row.message) + "]}");
    ASSERT_FALSE(parsed) << row.message;
    EXPECT_EQ(errorEntry(parsed.error().code).name, errorEntry(row.code).name) << row.message;
    EXPECT_EQ(parsed.error().param, row.param) << row.message;
  }
}

TEST(MessageCheck, TakesWhatItDoesNotKnow) {
  for (const char* message :
       {R"({"role":"user","content":[]})", R"({"role":"user","content":[{"type":"video_url"}]})",
        R"({"role":"user","content":[{"type":"image_url","image_url":"https://x"}]})",
        R"({"role":"user","content":[{"type":"image_url","image_url":null,"uuid":"u"}]})",
        R"({"role":"assistant","content":null,"reasoning_content":"r"})",
        R"({"role":"assistant","tool_calls":[{"type":"custom","custom":{}}],"name":null})"}) {
    EXPECT_TRUE(parseChatRequest(R"({"model":"m","messages":[)" + std::string(message) + "]}"))
        << message;
  }
}

}  // namespace
}  // namespace agw::protocol
