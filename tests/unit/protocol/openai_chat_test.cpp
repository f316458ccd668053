#include "protocol/openai_chat.h"

#include <gtest/gtest.h>

namespace agw::protocol {
namespace {

struct Refusal {
  const char* body;
  ErrorCode code;
  const char* param;
};

class ChatRequestRefusals : public testing::TestWithParam<Refusal> {};

TEST_P(ChatRequestRefusals, NamesTheCodeAndTheField) {
  const Refusal& refusal = GetParam();
  const auto parsed = parseChatRequest(refusal.body);
  ASSERT_FALSE(parsed) << refusal.body;
  EXPECT_EQ(errorEntry(parsed.error().code).name, errorEntry(refusal.code).name) << refusal.body;
  EXPECT_EQ(parsed.error().param, refusal.param) << refusal.body;
  EXPECT_FALSE(parsed.error().message.empty());
  EXPECT_EQ(parsed.error().source, ErrorSource::Client);
}

constexpr auto kUser = R"([{"role":"user","content":"hi"}])";

std::string withUser(const std::string& members) {
  return R"({"model":"m","messages":)" + std::string(kUser) + members + "}";
}

INSTANTIATE_TEST_SUITE_P(
    Table, ChatRequestRefusals,
    testing::Values(
        Refusal{"", ErrorCode::InvalidJson, ""}, Refusal{"nope", ErrorCode::InvalidJson, ""},
        Refusal{"[1]", ErrorCode::InvalidJson, ""},
        Refusal{"\xEF\xBB\xBF{}", ErrorCode::InvalidJson, ""},
        Refusal{R"({"messages":[{"role":"user","content":"x"}]})", ErrorCode::MissingParameter,
                "model"},
        Refusal{R"({"model":1,"messages":[{"role":"user","content":"x"}]})", ErrorCode::InvalidType,
                "model"},
        Refusal{R"({"model":"a b","messages":[{"role":"user","content":"x"}]})",
                ErrorCode::InvalidValue, "model"},
        Refusal{R"({"model":"m"})", ErrorCode::MissingParameter, "messages"},
        Refusal{R"({"model":"m","messages":{}})", ErrorCode::InvalidType, "messages"},
        Refusal{R"({"model":"m","messages":[]})", ErrorCode::InvalidValue, "messages"},
        Refusal{R"({"model":"m","messages":[1]})", ErrorCode::InvalidType, "messages[0]"},
        Refusal{R"({"model":"m","messages":[{"content":"x"}]})", ErrorCode::MissingParameter,
                "messages[0].role"},
        Refusal{R"({"model":"m","messages":[{"role":"robot","content":"x"}]})",
                ErrorCode::InvalidValue, "messages[0].role"},
        Refusal{R"({"model":"m","messages":[{"role":"user"}]})", ErrorCode::MissingParameter,
                "messages[0].content"},
        Refusal{
            R"({"model":"m","messages":[{"role":"user","content":"x"},{"role":"user","content":5}]})",
            ErrorCode::InvalidType, "messages[1].content"},
        Refusal{R"({"model":"m","messages":[{"role":"user","content":[{"text":"x"}]}]})",
                ErrorCode::MissingParameter, "messages[0].content[0].type"},
        Refusal{R"({"model":"m","messages":[{"role":"tool","content":"x"}]})",
                ErrorCode::MissingParameter, "messages[0].tool_call_id"},
        Refusal{R"({"model":"m","mod\u0065l":"n","messages":[{"role":"user","content":"x"}]})",
                ErrorCode::DuplicateKey, "model"}));

TEST(ChatRequest, RefusesWrongScalars) {
  const struct {
    const char* members;
    ErrorCode code;
    const char* param;
  } table[] = {
      {R"(,"stream":"yes")", ErrorCode::InvalidType, "stream"},
      {R"(,"stream_options":{"include_usage":true})", ErrorCode::InvalidValue, "stream_options"},
      {R"(,"stream":true,"stream_options":[])", ErrorCode::InvalidType, "stream_options"},
      {R"(,"max_tokens":1.5)", ErrorCode::InvalidType, "max_tokens"},
      {R"(,"max_tokens":-1)", ErrorCode::InvalidType, "max_tokens"},
      {R"(,"user":7)", ErrorCode::InvalidType, "user"},
      {R"(,"temperature":"hot")", ErrorCode::InvalidType, "temperature"},
      {R"(,"n":0)", ErrorCode::InvalidValue, "n"},
      {R"(,"n":"2")", ErrorCode::InvalidType, "n"},
      {R"(,"tools":{})", ErrorCode::InvalidType, "tools"},
      {R"(,"tools":[{"type":"function","function":{}}])", ErrorCode::MissingParameter,
       "tools[0].function.name"},
      {R"(,"seed":1,"seed":2)", ErrorCode::DuplicateKey, "seed"},
      {R"(,"max_tokens":1e2)", ErrorCode::InvalidType, "max_tokens"},
      {R"(,"max_tokens":-0)", ErrorCode::InvalidType, "max_tokens"},
      {R"(,"stream":true,"stream_options":{"include_usage":1})", ErrorCode::InvalidType,
       "stream_options.include_usage"},
      {R"(,"stream":true,"stream_options":{"include_obfuscation":"no"})", ErrorCode::InvalidType,
       "stream_options.include_obfuscation"},
      {R"(,"logprobs":5)", ErrorCode::InvalidType, "logprobs"},
      {R"(,"top_logprobs":"5")", ErrorCode::InvalidType, "top_logprobs"},
      {R"(,"top_logprobs":1.5)", ErrorCode::InvalidType, "top_logprobs"},
      {R"(,"response_format":"json")", ErrorCode::InvalidType, "response_format"},
      {R"(,"response_format":{})", ErrorCode::MissingParameter, "response_format.type"},
      {R"(,"response_format":{"type":"json_schema","json_schema":"{}"})", ErrorCode::InvalidType,
       "response_format.json_schema"},
  };
  for (const auto& row : table) {
    const auto parsed = parseChatRequest(withUser(row.members));
    ASSERT_FALSE(parsed) << row.members;
    EXPECT_EQ(errorEntry(parsed.error().code).name, errorEntry(row.code).name) << row.members;
    EXPECT_EQ(parsed.error().param, row.param) << row.members;
  }
}

TEST(ChatRequest, TakesATokenLimitOfMoreThan64Bits) {
  EXPECT_TRUE(parseChatRequest(withUser(R"(,"max_tokens":99999999999999999999)")));
}

TEST(ChatRequest, SaysThatANumberIsTooLarge) {
  const auto parsed = parseChatRequest(withUser(R"(,"x":1e400)"));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, ErrorCode::InvalidJson);
  EXPECT_NE(parsed.error().message.find("too large"), std::string::npos);
}

TEST(ChatRequest, RepeatsNoMegabytesInAnError) {
  std::string long_name;
  for (int i = 0; i < 100'000; ++i) long_name += "ä";
  const std::string twice = withUser(",\"" + long_name + "\":1,\"" + long_name + "\":2");
  const std::string tool = R"({"function":{"name":")" + long_name + "\"}}";
  for (const std::string& body : {twice, withUser(R"(,"tools":[)" + tool + "," + tool + "]")}) {
    const auto parsed = parseChatRequest(body);
    ASSERT_FALSE(parsed);
    EXPECT_LT(parsed.error().message.size() + parsed.error().param.size(), 600u);
    EXPECT_NE(parsed.error().message.find("ä…\""), std::string::npos) << "cut between characters";
  }
}

TEST(ChatRequest, RefusesDepth65AndTakesDepth64) {
  const auto nested = [](int depth) {  // the object and `depth - 1` arrays
    return withUser(R"(,"x":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']'));
  };
  EXPECT_TRUE(parseChatRequest(nested(64)));
  const auto parsed = parseChatRequest(nested(65));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, ErrorCode::JsonTooDeep);
}

TEST(ChatRequest, ReadsWhatTheGatewayNeeds) {
  const auto parsed = parseChatRequest(withUser(
      R"(,"stream":true,"stream_options":{"include_usage":true},"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"auto","n":2)"));
  ASSERT_TRUE(parsed);
  const ChatRequest& request = **parsed;
  EXPECT_EQ(request.model_id.view(), "default/m");
  EXPECT_TRUE(request.stream);
  EXPECT_TRUE(request.include_usage);
  ASSERT_EQ(request.messages.size(), 1u);
  EXPECT_EQ(request.messages[0], R"({"role":"user","content":"hi"})");
  ASSERT_EQ(request.tools.size(), 1u);
  EXPECT_EQ(request.tools[0].name, "f");
  EXPECT_EQ(request.tool_choice, R"("auto")");
  EXPECT_EQ(request.choices, 2u);
}

TEST(ChatRequest, NullMeansAbsent) {
  EXPECT_TRUE(parseChatRequest(withUser(
      R"(,"stream":null,"max_tokens":null,"user":null,"n":null,"tools":null,"tool_choice":null)")));
}

TEST(TakePlainBody, ReplacesTheModelAndKeepsEveryOtherByte) {
  const auto parsed = parseChatRequest(
      R"({ "seed" : 12345678901234567890123 , "model":"lmstudio/x", "messages":[{"role":"user","content":"\u00e9\/"}],"top_p":0.10 })");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(
      takePlainBody(**parsed, "x"),
      R"({ "seed" : 12345678901234567890123 , "model":"x", "messages":[{"role":"user","content":"\u00e9\/"}],"top_p":0.10 })");
}

TEST(TakePlainBody, AsksStreamsForUsage) {
  const auto parsed =
      parseChatRequest(withUser(R"(,"stream":true,"stream_options":{"include_usage":false})"));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(
      takePlainBody(**parsed, "x"),
      R"({"model":"x","messages":[{"role":"user","content":"hi"}],"stream":true,"stream_options":{"include_usage":true}})");
}

TEST(TakePlainBody, KeepsTheOtherStreamOptions) {
  const auto plain = [](const std::string& options) {
    const auto parsed = parseChatRequest(withUser(R"(,"stream":true,"stream_options":)" + options));
    EXPECT_TRUE(parsed) << options;
    const std::string body = takePlainBody(**parsed, "x");
    const auto at = body.find("\"stream_options\":") + 17;
    return body.substr(at, body.size() - at - 1);
  };
  EXPECT_EQ(plain("null"), R"({"include_usage":true})");
  EXPECT_EQ(plain("{ }"), R"({"include_usage":true})");
  EXPECT_EQ(plain(R"({"include_obfuscation": false})"),
            R"({"include_usage":true,"include_obfuscation": false})");
  EXPECT_EQ(plain(R"({"a":1, "include_usage" : null ,"b":2})"),
            R"({"a":1, "include_usage" : true ,"b":2})");
  EXPECT_EQ(plain(R"({"include_usage":true,"include\u005fusage":false})"),
            R"({"include_usage":true,"include\u005fusage":true})");
}

TEST(ChatRequest, ForgetsItsTextAndTheMemoryOfIt) {
  const auto parsed =
      parseChatRequest(withUser(R"(,"stream":true,"pad":")" + std::string(100'000, 'x') + "\""));
  ASSERT_TRUE(parsed);
  (*parsed)->forgetText();
  EXPECT_LT((*parsed)->body.capacity(), 100U);
  EXPECT_EQ((*parsed)->members.capacity() + (*parsed)->messages.capacity(), 0U);
  EXPECT_EQ((*parsed)->model, "m");
  EXPECT_TRUE((*parsed)->stream);
}

}  // namespace
}  // namespace agw::protocol
