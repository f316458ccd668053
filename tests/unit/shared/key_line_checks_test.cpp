#include "shared/key_line_checks.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "shared/access_rules.h"

namespace agw {
namespace {

const std::string kHex = "59a73377fba9ff94511ec9610f107724edffa9bfa4346c5c132cbd32389943b1";

std::string check(const std::string& words) {
  const std::string line = "alice sha256:" + kHex + " " + words;
  KeyLine key;
  std::string error;
  EXPECT_EQ(parseKeyLine(line, key, error), KeyLineResult::Key) << words << ": " << error;
  return checkKeyLine(key);
}

TEST(KeyLineChecks, PassWhatMakesSense) {
  for (const std::string words :
       {"", "allow=*", "deny=*", "allow=* deny=research/*", "allow=default/*,research/* deny=a",
        "scopes=chat,mcp tokens=100k/m streams=8", "scopes=mcp requests=60/m burst=20 max_run=60s",
        "tokens=1/m streams=1"}) {
    EXPECT_EQ(check(words), "") << words;
  }
}

TEST(KeyLineChecks, RefuseALimitOfChatWithoutTheScope) {
  EXPECT_EQ(check("scopes=mcp,runs,admin tokens=100k/m streams=2"),
            "tokens= can never apply: it limits chat requests, but scopes= lacks chat; add chat to "
            "scopes= or leave tokens= out");
  EXPECT_EQ(check("streams=8 scopes=admin"),
            "streams= can never apply: it limits chat requests, but scopes= lacks chat; add chat "
            "to scopes= or leave streams= out");
}

TEST(KeyLineChecks, RefuseAnAllowGlobThatADenyGlobCovers) {
  EXPECT_EQ(check("allow=default/*,research/secret deny=a,research/*"),
            "allow=research/secret can never match: deny=research/* covers it and stands above it; "
            "remove one of the two");
  struct Pair {
    std::string allow;
    std::string deny;
  };
  const std::vector<Pair> covered = {
      {"a", "a"},         {"a", "*"},         {"*", "*"},         {"*", "*/*"},
      {"a", "default/a"}, {"default/a", "a"}, {"a", "default/*"}, {"default/*", "*"},
      {"a*", "a*"},       {"ab*", "a*"},      {"a*c", "a*"},      {"a?", "a*"},
      {"a?b*", "a?b*"},   {"ab", "a?"},       {"a?", "a?"},       {"x/*", "*/*"},
      {"x/y*z", "x/*z"},  {"x/**", "x/*"},    {"x/*", "x/**"},    {"default/a", "default/?"},
  };
  for (const Pair& pair : covered) {
    EXPECT_TRUE(check("allow=" + pair.allow + " deny=" + pair.deny)
                    .starts_with("allow=" + pair.allow + " can never match: deny=" + pair.deny))
        << pair.allow << " " << pair.deny;
  }
  const std::vector<Pair> open = {
      {"*", "default/*"}, {"*", "?/*"},        {"a*", "a?*"}, {"a*", "ab*"}, {"x/*", "default/*"},
      {"a", "A"},         {"a", "x/a"},        {"a*", "a"},   {"a?", "ab"},  {"a*", "a?"},
      {"x/a", "a"},       {"default/a", "b*"}, {"**", "x/*"},
  };
  for (const Pair& pair : open) {
    EXPECT_EQ(check("allow=" + pair.allow + " deny=" + pair.deny), "") << pair.allow;
  }
}

TEST(KeyLineChecks, FindAnyGlobOfTheList) {
  EXPECT_TRUE(check("allow=a,b,c deny=x,c").starts_with("allow=c can never match: deny=c covers"));
  EXPECT_TRUE(check("deny=x/*,*b allow=a,ab").starts_with("allow=ab can never match: deny=*b"));
}

TEST(KeyLineChecks, QuoteLongGlobsCut) {
  const std::string error =
      check("allow=" + std::string(1000, 'a') + " deny=" + std::string(999, 'a') + "*");
  EXPECT_NE(error.find("a... can never match"), std::string::npos);
  EXPECT_LT(error.size(), 300U);
}

// Every pair of globs of up to three characters, against every id of up to four: what is refused
// never matches any of them.
TEST(KeyLineChecks, AreNeverWrongAboutAPair) {
  const auto texts = [](const std::string& alphabet, std::size_t longest) {
    std::vector<std::string> all = {""};
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].size() == longest) continue;
      for (const char c : alphabet) all.push_back(all[i] + c);
    }
    all.erase(all.begin());
    return all;
  };
  const std::vector<std::string> globs = texts("a*?", 3);
  std::vector<std::string> names = texts("ab", 4);
  std::size_t refused = 0;
  for (const std::string& allow : globs) {
    for (const std::string& deny : globs) {
      KeyLine key;
      key.allow = allow;
      key.deny = deny;
      if (checkKeyLine(key).empty()) continue;
      ++refused;
      for (const std::string& name : names) {
        for (const std::string& id : {"default/" + name, "b/" + name}) {
          ASSERT_NE(evaluateAccess({allow, deny}, id), Access::Allowed)
              << allow << " " << deny << " " << id;
        }
      }
    }
  }
  EXPECT_GT(refused, 100U);
}

TEST(DifferingLimit, NamesTheFirstThatDiffers) {
  const auto differing = [](const std::string& one, const std::string& other) {
    const std::string lines[] = {"a sha256:" + kHex + " " + one, "a sha256:" + kHex + " " + other};
    KeyLine keys[2];
    std::string error;
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(parseKeyLine(lines[i], keys[i], error), KeyLineResult::Key) << error;
    }
    return std::string(differingLimit(keys[0], keys[1]));
  };
  EXPECT_EQ(differing("", ""), "");
  EXPECT_EQ(differing("allow=a scopes=mcp expires=2030-01-01T00:00:00Z", "deny=b act_as=c"), "");
  EXPECT_EQ(differing("requests=60/m burst=2 tokens=1k/m streams=3 max_run=60s",
                      "max_run=1m streams=3 tokens=1000/m burst=2 requests=60/m"),
            "");
  EXPECT_EQ(differing("requests=60/m", "requests=1/s"), "requests");
  EXPECT_EQ(differing("burst=1 streams=1", "burst=2 streams=2"), "burst");
  EXPECT_EQ(differing("tokens=1/m", ""), "tokens");
  EXPECT_EQ(differing("streams=1", "streams=2"), "streams");
  EXPECT_EQ(differing("", "max_run=1s"), "max_run");
}

}  // namespace
}  // namespace agw
