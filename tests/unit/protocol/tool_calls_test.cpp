#include "protocol/tool_calls.h"

#include <gtest/gtest.h>

namespace agw::protocol {
namespace {

TEST(ToolCallCollector, PutsTheArgumentsOfEachCallTogether) {
  ToolCallCollector collector;
  EXPECT_TRUE(collector.empty());
  collector.add({0, "call_a", "weather", ""});
  collector.add({1, "call_b", "time", "{}"});
  collector.add({0, "", "", R"({"city":)"});
  collector.add({0, "", "", R"("Rome"})"});
  const auto calls = collector.take();
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].id, "call_a");
  EXPECT_EQ(calls[0].name, "weather");
  EXPECT_EQ(calls[0].arguments, R"({"city":"Rome"})");
  EXPECT_EQ(calls[1].arguments, "{}");
  EXPECT_TRUE(collector.empty());
}

TEST(ToolCallCollector, KeepsNothingBeyondItsBound) {
  ToolCallCollector collector;
  collector.add({ToolCallCollector::kMaxCalls, "c", "f", "{}"});
  EXPECT_TRUE(collector.empty());
}

}  // namespace
}  // namespace agw::protocol
