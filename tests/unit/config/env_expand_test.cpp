#include "config/env_expand.h"

#include <gtest/gtest.h>

#include "config_test_support.h"

namespace agw::config {
namespace {

Expansion expand(const std::string& text) {
  return expandText(text, environmentOf({{"A", "one"}, {"EMPTY", ""}, {"LOOP", "${A}"}}));
}

TEST(ExpandText, FillsInVariables) {
  EXPECT_EQ(expand("${A}").text, "one");
  EXPECT_EQ(expand("x${A}y${A}z").text, "xoneyonez");
  EXPECT_EQ(expand("${EMPTY}").text, "");
  EXPECT_TRUE(expand("${EMPTY}").changed);
}

TEST(ExpandText, TakesTheDefaultOfAVariableThatIsNotSetOrEmpty) {
  EXPECT_EQ(expand("${A:-two}").text, "one");
  EXPECT_EQ(expand("${B:-two}").text, "two");
  EXPECT_EQ(expand("${EMPTY:-two}").text, "two");
  EXPECT_EQ(expand("${B:-}").text, "");
  EXPECT_EQ(expand("${B:-http://h:1}/v1").text, "http://h:1/v1");
}

TEST(ExpandText, LeavesOtherDollarsAlone) {
  for (const char* text : {"", "$", "$A", "$5", "a$", "$$", "$()", "}{"}) {
    const Expansion result = expand(text);
    EXPECT_EQ(result.text, text);
    EXPECT_FALSE(result.changed);
    EXPECT_TRUE(result.faults.empty());
  }
}

TEST(ExpandText, WritesEscapedBraces) {
  EXPECT_EQ(expand("$${A}").text, "${A}");
  EXPECT_EQ(expand("$$${A}").text, "$${A}");
  EXPECT_FALSE(expand("$${A}").changed);
}

TEST(ExpandText, DoesNotExpandWhatItFilledIn) { EXPECT_EQ(expand("${LOOP}").text, "${A}"); }

TEST(ExpandText, NamesEveryVariableThatIsMissing) {
  const Expansion result = expand("${B}${C}");
  ASSERT_EQ(result.faults.size(), 2U);
  EXPECT_EQ(result.faults[0],
            "the environment variable B is not set; set it, or write ${B:-default}");
  EXPECT_NE(result.faults[1].find("variable C "), std::string::npos);
}

TEST(ExpandText, RefusesWhatIsNoVariable) {
  for (const char* text : {"${}", "${1}", "${A B}", "${A-b}", "${:-x}", "${A", "${"}) {
    EXPECT_EQ(expand(text).faults.size(), 1U) << text;
  }
}

}  // namespace
}  // namespace agw::config
