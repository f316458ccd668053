#include "base/id.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

namespace agw {
namespace {

TEST(RandomId, HasThePrefixAndTwentyFourAlphanumerics) {
  const std::string id = randomId("chatcmpl-");
  ASSERT_EQ(id.size(), 9U + 24U);
  EXPECT_TRUE(id.starts_with("chatcmpl-"));
  EXPECT_TRUE(
      std::all_of(id.begin() + 9, id.end(), [](unsigned char c) { return std::isalnum(c) != 0; }));
}

TEST(RandomId, NeverRepeatsAndUsesTheWholeAlphabet) {
  std::set<std::string> ids;
  std::set<char> seen;
  for (int i = 0; i < 2000; ++i) {
    const std::string id = randomId("");
    seen.insert(id.begin(), id.end());
    EXPECT_TRUE(ids.insert(id).second);
  }
  EXPECT_EQ(seen.size(), 62U);
}

}  // namespace
}  // namespace agw
