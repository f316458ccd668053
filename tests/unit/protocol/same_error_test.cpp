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

}  // namespace
}  // namespace agw::protocol
