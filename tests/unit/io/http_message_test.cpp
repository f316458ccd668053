#include "io/http_message.h"

#include <gtest/gtest.h>

namespace agw::io {
namespace {

TEST(HttpMessage, FindsTheFirstHeaderInAnyCase) {
  const HttpHeaders headers{{"A", "1"}, {"Content-Type", "x"}, {"content-type", "y"}};
  EXPECT_EQ(findHeader(headers, "CONTENT-TYPE"), "x");
  EXPECT_EQ(findHeader(headers, "Content"), "");
  EXPECT_EQ(findHeader({}, "A"), "");
}

TEST(HttpMessage, KnowsHeadersThatCannotSplitAMessage) {
  EXPECT_TRUE(validHeader({"X-A_b.1", ""}));
  EXPECT_TRUE(validHeader({"X", "a b\tc \xC3\xBC"}));
  EXPECT_FALSE(validHeader({"", "a"}));
  EXPECT_FALSE(validHeader({"X Y", "a"}));
  EXPECT_FALSE(validHeader({"X:", "a"}));
  EXPECT_FALSE(validHeader({"X\xC3\xBC", "a"}));
  for (const char c : {'\r', '\n', '\0', '\x1f', '\x7f'}) {
    EXPECT_FALSE(validHeader({"X", std::string("a") + c + "b"})) << static_cast<int>(c);
    EXPECT_FALSE(validHeader({std::string("a") + c, "b"})) << static_cast<int>(c);
  }
}

}  // namespace
}  // namespace agw::io
