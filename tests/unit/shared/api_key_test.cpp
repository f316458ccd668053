#include "shared/api_key.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace agw {
namespace {

// SHA-256 of "agk_test".
const std::string kHex = "59a73377fba9ff94511ec9610f107724edffa9bfa4346c5c132cbd32389943b1";
const std::string kStart = "alice sha256:" + kHex;

struct Parsed {
  KeyLineResult result;
  KeyLine key;
  std::string error;
};

Parsed parse(std::string_view line) {
  Parsed parsed;
  parsed.result = parseKeyLine(line, parsed.key, parsed.error);
  return parsed;
}

std::string errorOf(std::string_view line) {
  const Parsed parsed = parse(line);
  EXPECT_EQ(parsed.result, KeyLineResult::Error) << line;
  EXPECT_EQ(parsed.error.find(kHex), std::string::npos) << parsed.error;
  return parsed.error;
}

TEST(KeyLine, ReadsEveryWord) {
  const std::string line =
      kStart +
      " allow=default/*,research/* deny=research/secret scopes=chat,mcp,runs requests=60/m burst=20"
      " tokens=100k/m streams=8 max_run=600s act_as=researcher expires=2027-06-30T00:00:00Z";
  const Parsed parsed = parse(line);
  ASSERT_EQ(parsed.result, KeyLineResult::Key) << parsed.error;
  const KeyLine& key = parsed.key;
  EXPECT_EQ(key.id, "alice");
  EXPECT_EQ(key.hash, hashKeySecret("agk_test"));
  EXPECT_EQ(key.allow, "default/*,research/*");
  EXPECT_EQ(key.deny, "research/secret");
  EXPECT_EQ(key.act_as, "researcher");
  EXPECT_EQ(key.scopes, scopeBit(Scope::Chat) | scopeBit(Scope::Mcp) | scopeBit(Scope::Runs));
  EXPECT_EQ(key.requests.count, 60U);
  EXPECT_EQ(key.requests.window_seconds, 60U);
  EXPECT_EQ(key.burst, 20U);
  EXPECT_EQ(key.tokens.count, 100'000U);
  EXPECT_EQ(key.tokens.window_seconds, 60U);
  EXPECT_EQ(key.streams, 8U);
  EXPECT_EQ(key.max_run_seconds, 600U);
  EXPECT_EQ(key.expires_unix, 1814313600);
}

TEST(KeyLine, GrantsLittleWhenNothingIsSaid) {
  const Parsed parsed = parse(kStart);
  ASSERT_EQ(parsed.result, KeyLineResult::Key);
  EXPECT_EQ(parsed.key.allow, "");
  EXPECT_EQ(parsed.key.scopes, scopeBit(Scope::Chat));
  EXPECT_EQ(parsed.key.requests.count, 0U);
  EXPECT_EQ(parsed.key.expires_unix, 0);
}

TEST(KeyLine, ViewsPointIntoTheLine) {
  const std::string line = kStart + " allow=*";
  const Parsed parsed = parse(line);
  EXPECT_EQ(parsed.key.id.data(), line.data());
  EXPECT_EQ(parsed.key.allow.data(), line.data() + line.size() - 1);
}

TEST(KeyLine, BearsBlanksTabsAndLineEnds) {
  EXPECT_EQ(parse("  alice\tsha256:" + kHex + " \t allow=* \r\n").result, KeyLineResult::Key);
  EXPECT_EQ(parse(kStart + "\r").key.id, "alice");
}

TEST(KeyLine, SkipsCommentsAndBlankLines) {
  for (const std::string_view line :
       {"", " ", "\t", "\r\n", "\n", "#", "# alice", "  # x", "#x=y"}) {
    EXPECT_EQ(parse(line).result, KeyLineResult::Empty) << line;
  }
}

TEST(KeyLine, ForgetsTheLineBefore) {
  KeyLine key;
  std::string error;
  ASSERT_EQ(parseKeyLine(kStart + " allow=* streams=3 scopes=admin", key, error),
            KeyLineResult::Key);
  ASSERT_EQ(parseKeyLine("bob sha256:" + kHex, key, error), KeyLineResult::Key);
  EXPECT_EQ(key.allow, "");
  EXPECT_EQ(key.streams, 0U);
  EXPECT_EQ(key.scopes, scopeBit(Scope::Chat));
}

TEST(KeyLine, TakesUpperCaseHex) {
  std::string upper = kHex;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  EXPECT_EQ(parse("alice sha256:" + upper).key.hash, hashKeySecret("agk_test"));
}

TEST(KeyLine, RefusesBadIds) {
  for (const std::string& id : {std::string("al:ice"), std::string("a/b"), std::string("\xC3\xA4"),
                                std::string(65, 'a'), std::string("sha256:") + kHex,
                                std::string("\xEF\xBB\xBF"
                                            "alice")}) {
    EXPECT_NE(errorOf(id + " sha256:" + kHex).find("must begin with the key's id"),
              std::string::npos)
        << id;
  }
  EXPECT_EQ(parse(std::string(64, 'a') + " sha256:" + kHex).result, KeyLineResult::Key);
  EXPECT_EQ(parse("A.b_c@d-9 sha256:" + kHex).result, KeyLineResult::Key);
}

TEST(KeyLine, RefusesBadHashesWithoutQuotingThem) {
  EXPECT_NE(errorOf("alice").find("second word"), std::string::npos);
  const std::string secret = "agk_thisIsASecretThatMustNotBeShown";
  const std::string plain = errorOf("alice " + secret);
  EXPECT_NE(plain.find("never the secret itself"), std::string::npos);
  EXPECT_EQ(plain.find(secret), std::string::npos);
  EXPECT_NE(errorOf("alice " + kHex).find("second word"), std::string::npos);
  EXPECT_NE(errorOf("alice SHA256:" + kHex).find("second word"), std::string::npos);
  EXPECT_NE(errorOf("alice sha256:").find("64 hex digits"), std::string::npos);
  EXPECT_NE(errorOf("alice sha256:" + kHex.substr(1)).find("63 characters"), std::string::npos);
  EXPECT_NE(errorOf("alice sha256:" + kHex.substr(1) + "g").find("no hex digit"),
            std::string::npos);
  EXPECT_NE(errorOf("alice sha256:" + std::string(64, '0')).find("all zeros"), std::string::npos);
  const std::string misplaced = errorOf(kStart + " " + secret);
  EXPECT_EQ(misplaced.find(secret), std::string::npos);
  EXPECT_NE(misplaced.find("unknown word;"), std::string::npos);
}

TEST(KeyLine, SaysWhatToWriteInstead) {
  struct Case {
    std::string words;
    std::string_view expected;
  };
  const std::vector<Case> cases = {
      {"alow=*", "unknown word \"alow\""},
      {"allow", "unknown word \"allow\""},
      {"allow = *", "unknown word \"allow\""},
      {"# why", "a comment must stand on a line of its own"},
      {"allow=", "model globs joined by commas"},
      {"allow=a,,b", "allow=a,,b: write model globs"},
      {"allow=a,", "model globs"},
      {"allow=a;b", "model globs"},
      {"deny=a b", "unknown word \"b\""},
      {"deny=team/", "deny=team/: write model globs"},
      {"allow=* allow=x", "allow= stands twice"},
      {"scopes=", "chat,mcp,runs,admin"},
      {"scopes=chat,", "chat,mcp,runs,admin"},
      {"scopes=Chat", "scopes=Chat: write one or more of chat,mcp,runs,admin"},
      {"scopes=chat,root", "chat,mcp,runs,admin"},
      {"requests=60", "requests=60: write a count"},
      {"requests=0/m", "count of at least 1"},
      {"requests=60/w", "window s, m, h or d"},
      {"tokens=1.5k/m", "tokens=1.5k/m"},
      {"burst=0", "burst=20"},
      {"burst=-1", "burst=20"},
      {"burst=5000m", "burst=20"},
      {"streams=many", "streams=8"},
      {"max_run=600", "time with its unit"},
      {"max_run=0s", "time with its unit"},
      {"max_run=31d", "at most 30d"},
      {"expires=2027-06-30", "expires=2027-06-30T00:00:00Z"},
      {"expires=2027-02-30T00:00:00Z", "expires=2027-06-30T00:00:00Z"},
      {"expires=1970-01-01T00:00:00Z", "leave the word out"},
      {"act_as=", "one agent name"},
      {"act_as=a;b", "one agent name"},
      {"act_as=a,b", "one agent name"},
  };
  for (const Case& test : cases) {
    const std::string error = errorOf(kStart + " " + test.words);
    EXPECT_NE(error.find(test.expected), std::string::npos) << test.words << " -> " << error;
  }
}

TEST(KeyLine, BoundsTheLine) {
  const std::string start = kStart + " allow=";
  EXPECT_EQ(parse(start + std::string(4096 - start.size(), 'a')).result, KeyLineResult::Key);
  EXPECT_EQ(parse(start + std::string(4096 - start.size(), 'a') + "\n").result, KeyLineResult::Key);
  EXPECT_NE(errorOf(start + std::string(4097 - start.size(), 'a')).find("4096 bytes"),
            std::string::npos);
}

TEST(KeyLine, RefusesControlCharacters) {
  EXPECT_NE(errorOf(kStart + std::string(" a\0b", 4)).find("control character"), std::string::npos);
  EXPECT_NE(errorOf(kStart + "\x1B[31m").find("control character"), std::string::npos);
  EXPECT_NE(errorOf(kStart + "\nbob").find("control character"), std::string::npos);
}

TEST(KeyLine, QuotesLongValuesCut) {
  const std::string error = errorOf(kStart + " allow=" + std::string(2000, '!'));
  EXPECT_LT(error.size(), 300U);
}

TEST(KeySecret, IsHashedWithSha256) {
  const KeyHash hash = hashKeySecret("abc");  // FIPS 180-2, appendix B.1
  const KeyHash expected = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                            0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                            0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
  EXPECT_EQ(hash, expected);
  EXPECT_EQ(hashKeySecret({})[0], 0xe3);
}

}  // namespace
}  // namespace agw
