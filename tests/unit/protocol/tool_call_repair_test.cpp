#include "protocol/tool_call_repair.h"

#include <gtest/gtest.h>

#include <string>

namespace agw::protocol {
namespace {

std::string fixedId() {
  static int made = 0;
  return "call_made" + std::to_string(++made);
}

// Each delta is the value of "tool_calls".
std::vector<ToolCallCollector::Call> collect(const std::vector<std::string>& deltas) {
  ToolCallRepair repair(&fixedId);
  ToolCallCollector collector;
  std::vector<PlacedCall> placed;
  for (const std::string& delta : deltas) {
    CallLooks looks;
    lookAtCalls(delta, looks);
    EXPECT_TRUE(repair.add(looks, true, placed));
    for (const PlacedCall& call : placed) collector.add(call.part);
    placed.clear();
  }
  repair.finish(placed);
  for (const PlacedCall& call : placed) collector.add(call.part);
  return collector.take();
}

std::string part(const std::string& head, const std::string& name, const std::string& arguments) {
  std::string function = name.empty() ? "" : R"("name":")" + name + "\",";
  return "{" + head + (head.empty() ? "" : ",") + R"("function":{)" + function +
         R"("arguments":")" + arguments + "\"}}";
}

TEST(ToolCallRepair, FollowsNumbers) {
  const auto calls = collect({"[" + part(R"("index":0,"id":"a")", "f", "") + "]",
                              "[" + part(R"("index":1,"id":"b")", "g", "{}") + "]",
                              "[" + part(R"("index":0)", "", "{}") + "]"});
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].arguments, "{}");
  EXPECT_EQ(calls[0].id, "a");
  EXPECT_EQ(calls[1].name, "g");
}

TEST(ToolCallRepair, OpensACallForANewIdOnTheSameNumber) {
  const auto calls = collect({"[" + part(R"("index":0,"id":"a")", "f", "{}") + "]",
                              "[" + part(R"("index":0,"id":"b")", "g", "{}") + "]"});
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[1].name, "g");
}

TEST(ToolCallRepair, OpensACallAfterTheEndOfTheLastOneThoughBothAreNumberZero) {
  const auto calls = collect({"[" + part(R"("index":0)", "f", R"({\"a\":1})") + "]",
                              "[" + part(R"("index":0)", "f", R"({\"a\":2})") + "]"});
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].arguments, R"({"a":1})");
  EXPECT_EQ(calls[1].arguments, R"({"a":2})");
  EXPECT_NE(calls[0].id, calls[1].id);
}

TEST(ToolCallRepair, WorksWithoutNumbers) {
  const auto calls =
      collect({"[" + part(R"("id":"a")", "f", "{") + "]", "[" + part("", "", "}") + "]",
               "[" + part(R"("id":"b")", "g", "{}") + "]"});
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].arguments, "{}");
}

TEST(ToolCallRepair, WorksWithoutNumbersAndIds) {
  const auto calls =
      collect({"[" + part("", "f", "{}") + "," + part("", "g", "{}") + "]",
               "[" + part("", "h", R"({\"a\":)") + "]", "[" + part("", "h", "1}") + "]"});
  ASSERT_EQ(calls.size(), 3u);
  EXPECT_EQ(calls[1].name, "g");
  EXPECT_EQ(calls[2].arguments, R"({"a":1})");
}

TEST(ToolCallRepair, NeverGivesAnIdTwice) {
  const auto calls = collect({"[" + part(R"("index":0,"id":"0")", "f", "{}") + "]",
                              "[" + part(R"("index":1,"id":"0")", "g", "{}") + "]"});
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].id, "0");
  EXPECT_NE(calls[1].id, "0");
}

TEST(ToolCallRepair, DropsACallThatIsRepeatedWhole) {
  const std::string call = "[" + part(R"("index":0,"id":"a")", "f", R"({\"a\":1})") + "]";
  const auto calls = collect({call, call});
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].arguments, R"({"a":1})");
}

TEST(ToolCallRepair, WaitsForAName) {
  const auto calls =
      collect({R"([{"index":0,"id":"a"}])", "[" + part(R"("index":0)", "", "{") + "]",
               "[" + part(R"("index":0)", "f", "}") + "]"});
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].name, "f");
  EXPECT_EQ(calls[0].arguments, "{}");
  EXPECT_EQ(calls[0].id, "a");
}

TEST(ToolCallRepair, IsBounded) {
  ToolCallRepair repair(&fixedId);
  std::vector<PlacedCall> placed;
  for (unsigned i = 0; i <= ToolCallCollector::kMaxCalls; ++i) {
    CallLooks looks;
    const std::string json =
        "[" +
        part(R"("index":)" + std::to_string(i) + R"(,"id":")" + std::to_string(i) + '"', "f",
             "{}") +
        "]";
    lookAtCalls(json, looks);
    EXPECT_EQ(repair.add(looks, true, placed), i < ToolCallCollector::kMaxCalls);
    placed.clear();
  }
  ToolCallRepair big(&fixedId);
  const std::string half(ToolCallCollector::kMaxBytes / 2, 'x');
  for (const bool fits : {true, false}) {
    CallLooks looks;
    const std::string json = "[" + part(R"("index":0,"id":"c")", "f", half) + "]";
    lookAtCalls(json, looks);
    EXPECT_EQ(big.add(looks, true, placed), fits);
    placed.clear();
  }
}

}  // namespace
}  // namespace agw::protocol
