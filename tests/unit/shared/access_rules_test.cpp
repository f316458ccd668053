#include "shared/access_rules.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "shared/glob.h"

namespace agw {
namespace {

using enum Access;

struct Case {
  std::string_view allow;
  std::string_view deny;
  std::string_view model;
  Access access;
};

TEST(AccessRules, DenyBeforeAllowBeforeDefaultDeny) {
  const std::vector<Case> cases = {
      {"", "", "default/a", DeniedByDefault},
      {"*", "", "default/a", Allowed},
      {"*", "", "x/y/z", Allowed},
      {"*", "*", "default/a", DeniedByRule},
      {"", "*", "default/a", DeniedByRule},
      {"*", "research/secret", "research/secret", DeniedByRule},
      {"*", "research/secret", "research/secret2", Allowed},
      {"research/secret", "research/*", "research/secret", DeniedByRule},
      {"default/*,research/*", "research/secret", "research/deep", Allowed},
      {"default/*,research/*", "research/secret", "default/x", Allowed},
      {"default/*,research/*", "research/secret", "lmstudio/x", DeniedByDefault},
      // A glob without a slash is in the default namespace.
      {"helper", "", "default/helper", Allowed},
      {"helper", "", "research/helper", DeniedByDefault},
      {"hel*", "", "default/helper", Allowed},
      {"hel*", "", "hello/x", DeniedByDefault},
      {"h?lper", "", "default/helper", Allowed},
      {"**", "", "default/x", Allowed},
      {"**", "", "other/x", DeniedByDefault},
      {"?", "", "default/x", Allowed},
      {"*", "secret*", "default/secret-1", DeniedByRule},
      {"*", "secret*", "team/secret-1", Allowed},
      // Globs with a slash see the whole id.
      {"*/helper", "", "research/helper", Allowed},
      {"*/helper", "", "default/helper", Allowed},
      {"default/helper", "", "default/helper", Allowed},
      {"research/*", "", "research/a/b", Allowed},
      {"research/*", "", "research2/a", DeniedByDefault},
      {"Research/*", "", "research/a", DeniedByDefault},
      // Empty entries match nothing.
      {",", "", "default/a", DeniedByDefault},
      {",a", ",", "default/a", Allowed},
  };
  for (const Case& test : cases) {
    EXPECT_EQ(evaluateAccess({test.allow, test.deny}, test.model), test.access)
        << "allow=" << test.allow << " deny=" << test.deny << " " << test.model;
  }
}

TEST(AccessRules, KnowsWellFormedLists) {
  for (const auto* good : {"*", "a", "default/*", "a,b", "*/x", "a/b/c", "a?b*", "q@4:x+y-z_.1"}) {
    EXPECT_TRUE(isValidGlobList(good)) << good;
  }
  for (const auto* bad : {"", ",", "a,", ",a", "a,,b", "a b", "a, b", "a;b", "[a]", "a\n",
                          "\xC3\xA4", "/", "/a", "a/", "!a", "{a}", "a\\b"}) {
    EXPECT_FALSE(isValidGlobList(bad)) << bad;
  }
}

TEST(Glob, Matches) {
  struct GlobCase {
    std::string_view pattern;
    std::string_view text;
    bool match;
  };
  const std::vector<GlobCase> cases = {
      {"", "", true},          {"", "a", false},           {"a", "", false},
      {"a", "a", true},        {"a", "A", false},          {"a", "aa", false},
      {"*", "", true},         {"*", "a/b", true},         {"**", "", true},
      {"?", "", false},        {"?", "a", true},           {"?", "/", true},
      {"?", "ab", false},      {"??", "ab", true},         {"*?", "", false},
      {"*?", "a", true},       {"?*", "abc", true},        {"a*", "a", true},
      {"a*", "abc", true},     {"a*", "ba", false},        {"*a", "ba", true},
      {"*a", "ab", false},     {"*a*", "bab", true},       {"*a*", "bbb", false},
      {"a*b", "ab", true},     {"a*b", "axxb", true},      {"a*b", "axxbc", false},
      {"a*b*c", "abbc", true}, {"a*b*c", "acb", false},    {"*ab", "aab", true},
      {"*aab", "aaab", true},  {"a?c", "abc", true},       {"a?c", "ac", false},
      {"a.c", "abc", false},   {"[a]", "a", false},        {"[a]", "[a]", true},
      {"\\*", "*", false},     {"*a?b*", "xxaybzz", true}, {"*x*x*x", "xxxxxx", true},
      {"*x*y", "xxxx", false},
  };
  for (const GlobCase& test : cases) {
    EXPECT_EQ(globMatches(test.pattern, test.text), test.match) << test.pattern << " " << test.text;
  }
}

// The obvious recursive definition, to compare with.
bool slowMatch(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    return slowMatch(pattern.substr(1), text) ||
           (!text.empty() && slowMatch(pattern, text.substr(1)));
  }
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) &&
         slowMatch(pattern.substr(1), text.substr(1));
}

TEST(Glob, AgreesWithItsDefinitionOnEveryShortInput) {
  std::vector<std::string> patterns{""};
  std::vector<std::string> texts{""};
  for (std::size_t i = 0; i < patterns.size() && patterns[i].size() < 5; ++i) {
    for (const char c : {'a', 'b', '*', '?'}) patterns.push_back(patterns[i] + c);
  }
  for (std::size_t i = 0; i < texts.size() && texts[i].size() < 5; ++i) {
    for (const char c : {'a', 'b'}) texts.push_back(texts[i] + c);
  }
  for (const std::string& pattern : patterns) {
    for (const std::string& text : texts) {
      ASSERT_EQ(globMatches(pattern, text), slowMatch(pattern, text)) << pattern << " " << text;
    }
  }
}

TEST(Glob, StaysQuickOnHostilePatterns) {
  std::string pattern;
  for (int i = 0; i < 1000; ++i) pattern += "*a";
  pattern += "b";
  // Exponential matchers never come back from this one.
  EXPECT_FALSE(globMatches(pattern, std::string(4000, 'a')));
}

}  // namespace
}  // namespace agw
