// The edge's scanner and the executor's parser answer the same body fault alike: status, code and
// param.
#include <gtest/gtest.h>

#include <string>

#include "protocol/openai_chat.h"
#include "shared/body_scanner.h"

namespace agw::protocol {
namespace {

constexpr auto kMessages = R"("messages":[{"role":"user","content":"x"}])";

std::string object(const std::string& members) { return "{" + members + "," + kMessages + "}"; }

TEST(EdgeAndExecutor, GiveTheSameErrorForTheSameBody) {
  const std::string model = R"("model":"m",)";
  const std::string deep = std::string(64, '[') + std::string(64, ']');
  const std::string bodies[] = {
      "",
      "nope",
      "[1]",
      "\xEF\xBB\xBF" + object(R"("model":"m")"),
      object(R"("model":"m")") + "x",
      R"({"model":"m")",
      "{" + std::string(kMessages) + "}",
      object(R"("model":1)"),
      object(R"("model":null)"),
      object(R"("model":"")"),
      object(R"("model":"a b")"),
      object(R"("model":")" + std::string(257, 'a') + "\""),
      object(R"("model":"m","model":"n")"),
      object(R"("model":"m","mod\u0065l":"n")"),
      object(model + R"("stream":true,"stream":false)"),
      object(model + R"("user":"a","user":"b")"),
      object(model + R"("max_completion_tokens":1,"max_completion_tokens":2)"),
      object(model + R"("stream":"yes")"),
      object(model + R"("max_tokens":1e3)"),
      object(model + R"("max_completion_tokens":-1)"),
      object(model + R"("max_output_tokens":"5")"),
      object(model + R"("user":7)"),
      object(model + R"("x":)" + deep),
      object(model + R"("x":"\ud800")"),
      object(model + R"("x":01)"),
      object(model + R"("max_tokens":-0)"),
      object(model + R"("max_tokens":0.0)"),
      object(model + R"("max_tokens":true)"),
      object(model + R"("x":{"y":"\udc00\ud800"})"),
      object(model + R"("x":1.)"),
      object(model + "\"x\":\"a\nb\""),
      object(model + "\"x\":\"\xC0\xAF\""),
      object(model + R"("x":"\x41")"),
      object(model + R"("x":[1,])"),
      object(R"("model":"m")") + "{}",
      object(R"("model":"m/")"),
      object(R"("model":"m\u0000")"),
  };
  for (const std::string& body : bodies) {
    BodyScanner scanner;
    ScanStatus status = scanner.feed(body.data(), body.size());
    if (status == ScanStatus::InProgress) status = scanner.finish();
    ASSERT_NE(status, ScanStatus::Done) << body;
    const ScanErrorInfo& edge = scanner.error();
    const auto executor = parseChatRequest(body);
    ASSERT_FALSE(executor) << body;
    EXPECT_EQ(errorEntry(executor.error().code).name, errorEntry(edge.code).name) << body;
    EXPECT_EQ(executor.error().httpStatus(), errorEntry(edge.code).status) << body;
    EXPECT_EQ(executor.error().param, edge.param) << body;
    // Where a parser stopped is worded differently; every other fault reads the same.
    if (edge.code != ErrorCode::InvalidJson && edge.code != ErrorCode::JsonTooDeep) {
      EXPECT_EQ(executor.error().message, edge.message) << body;
    }
  }
}

// What the one takes, the other takes.
TEST(EdgeAndExecutor, TakeTheSameBodies) {
  const std::string model = R"("model":"m",)";
  const std::string deep = std::string(63, '[') + std::string(63, ']');
  const std::string bodies[] = {
      " \r\n\t" + object(R"("mod\u0065l":"\u006d")") + " \n",
      object(model + R"("max_tokens":0)"),
      object(model + R"("max_tokens":18446744073709551615)"),
      object(model + R"("max_completion_tokens":99999999999999999999999)"),
      object(model + R"("max_output_tokens":null)"),
      object(model + R"("user":"\u0000")"),
      object(model + R"("stream":null)"),
      object(model + R"("Model":7,"model ":7,"model\u0000":7)"),
      object(model + R"("x":-0,"y":1e308,"z":123456789012345678901234567890,"w":1e-999)"),
      object(model + R"("x":"\u0000\ud83d\ude00\uffff")"),
      object(model + R"("x":{"a":1,"a":2})"),
      object(model + R"("x":)" + deep),
  };
  for (const std::string& body : bodies) {
    BodyScanner scanner;
    scanner.feed(body.data(), body.size());
    EXPECT_EQ(scanner.finish(), ScanStatus::Done) << body;
    const auto executor = parseChatRequest(body);
    EXPECT_TRUE(executor) << body << ": " << executor.error().message;
  }
}

}  // namespace
}  // namespace agw::protocol
