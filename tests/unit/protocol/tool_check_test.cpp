#include "protocol/tool_check.h"

#include <gtest/gtest.h>

#include <string>

#include "protocol/openai_chat.h"

namespace agw::protocol {
namespace {

std::string withMembers(const std::string& members) {
  return R"({"model":"m","messages":[{"role":"user","content":"hi"}])" + members + "}";
}

TEST(ToolCheck, NamesTheCodeAndTheField) {
  const auto tool = [](const std::string& json) {
    return R"(,"tools":[{"type":"x"},)" + json + "]";
  };
  const auto choice = [](const std::string& json) { return R"(,"tool_choice":)" + json; };
  const struct {
    std::string members;
    ErrorCode code;
    const char* param;
  } table[] = {
      {tool("5"), ErrorCode::InvalidType, "tools[1]"},
      {tool("{}"), ErrorCode::MissingParameter, "tools[1].function"},
      {tool(R"({"type":5})"), ErrorCode::InvalidType, "tools[1].type"},
      {tool(R"({"type":"function","name":"flat"})"), ErrorCode::MissingParameter,
       "tools[1].function"},
      {tool(R"({"type":"function","function":"f"})"), ErrorCode::InvalidType, "tools[1].function"},
      {tool(R"({"function":{"name":5}})"), ErrorCode::InvalidType, "tools[1].function.name"},
      {tool(R"({"function":{"name":""}})"), ErrorCode::InvalidValue, "tools[1].function.name"},
      {tool(R"({"function":{"name":"f","description":5}})"), ErrorCode::InvalidType,
       "tools[1].function.description"},
      {tool(R"({"function":{"name":"f","parameters":"{}"}})"), ErrorCode::InvalidType,
       "tools[1].function.parameters"},
      {tool(R"({"function":{"name":"f"}},{"function":{"name":"\u0066"}})"), ErrorCode::InvalidValue,
       "tools[2].function.name"},
      {choice("5"), ErrorCode::InvalidType, "tool_choice"},
      {choice("[]"), ErrorCode::InvalidType, "tool_choice"},
      {choice(R"("sometimes")"), ErrorCode::InvalidValue, "tool_choice"},
      {choice("{}"), ErrorCode::MissingParameter, "tool_choice.type"},
      {choice(R"({"type":5})"), ErrorCode::InvalidType, "tool_choice.type"},
      {choice(R"({"type":"function","name":"f"})"), ErrorCode::MissingParameter,
       "tool_choice.function"},
      {choice(R"({"type":"function","function":{}})"), ErrorCode::MissingParameter,
       "tool_choice.function.name"},
      {choice(R"({"type":"allowed_tools"})"), ErrorCode::MissingParameter,
       "tool_choice.allowed_tools"},
      {choice(R"({"type":"allowed_tools","allowed_tools":{"tools":{}}})"), ErrorCode::InvalidType,
       "tool_choice.allowed_tools.tools"},
  };
  for (const auto& row : table) {
    const auto parsed = parseChatRequest(withMembers(row.members));
    ASSERT_FALSE(parsed) << row.members;
    EXPECT_EQ(errorEntry(parsed.error().code).name, errorEntry(row.code).name) << row.members;
    EXPECT_EQ(parsed.error().param, row.param) << row.members;
  }
}

TEST(ToolCheck, TakesEveryFormOfToolChoice) {
  for (const char* choice :
       {R"("none")", R"("auto")", R"("required")", R"("any")", R"({"type":"custom","custom":{}})",
        R"({"type":"function","function":{"name":"f"}})",
        R"({"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[]}})"}) {
    const auto parsed = parseChatRequest(withMembers(R"(,"tool_choice":)" + std::string(choice)));
    ASSERT_TRUE(parsed) << choice;
    EXPECT_EQ((*parsed)->tool_choice, choice);
  }
}

}  // namespace
}  // namespace agw::protocol
