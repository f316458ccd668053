#include "protocol/tool_calls.h"

#include <gtest/gtest.h>

#include <string>

namespace agw::protocol {
namespace {

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

}  // namespace
}  // namespace agw::protocol
