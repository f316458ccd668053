#include <gtest/gtest.h>

#include "cli/key_arguments.h"
#include "cli/keys_test_support.h"

namespace agw::cli {
namespace {

using test::kNow;

std::string settled(const std::string& name, const std::string& value) {
  std::vector<KeyWord> words = {{name, value}};
  const std::string error = settleWords(words, kNow);
  return error.empty() ? joinWords(words) : "error: " + error;
}

TEST(KeyArguments, TakesIdsThatTheFileTakes) {
  for (const std::string& id : {std::string("alice"), std::string("A.b_c@d-9"),
                                std::string("agk_short"), std::string(64, 'a')}) {
    EXPECT_EQ(checkKeyId(id), "") << id;
  }
  for (const std::string& id :
       {std::string(), std::string(" "), std::string("#alice"), std::string("al ice"),
        std::string("alice\n"), std::string(" alice"), std::string("alice "), std::string("a/b"),
        std::string(65, 'a'), std::string("alice\0", 6)}) {
    EXPECT_EQ(checkKeyId(id), "an id is 1 to 64 characters of A-Z a-z 0-9 . _ @ -, e.g. alice")
        << id;
  }
}

TEST(KeyArguments, DoesNotRepeatASecretInPlaceOfAnId) {
  const std::string secret = "agk_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
  const std::string error = checkKeyId(secret);
  EXPECT_NE(error.find("looks like a secret"), std::string::npos);
  EXPECT_EQ(error.find(secret.substr(4, 8)), std::string::npos);
}

TEST(KeyArguments, KeepsValuesOneWord) {
  EXPECT_EQ(settled("allow", "default/*"), "allow=default/*");
  for (const std::string& value :
       {std::string("a allow=*"), std::string("a\tscopes=admin"), std::string("a\nroot"),
        std::string("a\r"), std::string("a\0b", 3), std::string("a\x7F")}) {
    EXPECT_TRUE(settled("deny", value).starts_with("error: deny=: the value must be without"))
        << value;
  }
}

TEST(KeyArguments, TurnsSpansIntoTimes) {
  EXPECT_EQ(settled("expires", "30d"), "expires=2027-02-14T08:00:00Z");
  EXPECT_EQ(settled("expires", "2027-06-30T00:00:00Z"), "expires=2027-06-30T00:00:00Z");
  EXPECT_TRUE(settled("expires", "soon").starts_with("error: expires=soon: write a time in UTC"));
  EXPECT_TRUE(settled("expires", "2027-01-15T08:00:00Z").ends_with("refused from the start"));
  EXPECT_EQ(settled("max_run", "30d"), "max_run=30d");
}

TEST(KeyArguments, BuildsTheLine) {
  KeyHash hash{};
  hash.fill(0xAB);
  const std::string hex = "abababababababababababababababababababababababababababababababab";
  EXPECT_EQ(keyLine("alice", hash, ""), "alice sha256:" + hex + "\n");
  EXPECT_EQ(keyLine("alice", hash, joinWords({{"allow", "*"}, {"burst", "3"}})),
            "alice sha256:" + hex + " allow=* burst=3\n");
}

TEST(KeyArguments, SaysWhatTheEdgeWouldSay) {
  const KeyHash hash = hashKeySecret("agk_test");
  EXPECT_EQ(checkLine(keyLine("alice", hash, "allow=*")), "");
  EXPECT_TRUE(checkLine(keyLine("alice", hash, "allow=a;b")).starts_with("allow=a;b: write model"));
  EXPECT_TRUE(
      checkLine(keyLine("alice", hash, "scopes=mcp tokens=1/m")).starts_with("tokens= can"));
  EXPECT_TRUE(checkLine(keyLine("alice", hash, "allow=a deny=*")).starts_with("allow=a can never"));
  EXPECT_EQ(checkLine("# alice\n"), "that makes no line of a key file");
}

TEST(KeyArguments, ReadsHashPrefixes) {
  EXPECT_EQ(parseHashPrefix("9F86d081").digits, "9f86d081");
  EXPECT_EQ(parseHashPrefix("sha256:9f86d0818").digits, "9f86d0818");
  EXPECT_EQ(parseHashPrefix(test::hex('A')).digits, test::hex('a'));
  for (const std::string& text :
       {std::string("9f86d08"), std::string("sha256:"), test::hex('a') + "0",
        std::string("9f86d08z"), std::string("agk_abcdefgh")}) {
    const HashPrefix prefix = parseHashPrefix(text);
    EXPECT_TRUE(prefix.error.starts_with("--hash takes the first 8 to 64")) << text;
    EXPECT_EQ(prefix.error.find(text), std::string::npos);
  }
}

}  // namespace
}  // namespace agw::cli
