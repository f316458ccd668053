#include <gtest/gtest.h>

#include "cli/key_file.h"
#include "cli/keys_test_support.h"

namespace agw::cli {
namespace {

using test::line;
using test::linesOf;

class KeysRotateTest : public test::KeysTest {
 protected:
  // The line of the secret that was shown last.
  std::string newLine(const std::string& words) const {
    return "alice sha256:" + hexOf(hashKeySecret(shown_.back())) + " " + words + "\n";
  }
  std::string newHash() const { return shortHash(hashKeySecret(shown_.back())); }
};

TEST_F(KeysRotateTest, AddsASecretWithTheSameWords) {
  const std::string words = "allow=a,b  deny=c requests=60/m streams=2";
  write("#\n" + line("alice", 'a', words) + line("bob", 'b'));
  ASSERT_EQ(rotate("alice"), 0);
  ASSERT_EQ(shown_.size(), 1U);
  EXPECT_EQ(text(), "#\n" + line("alice", 'a', words) + newLine(words) + line("bob", 'b'));
  EXPECT_EQ(said(),
            file() + ": alice has a new secret, hash " + newHash() +
                ", with the words of aaaaaaaa; the secret on standard output is not kept anywhere "
                "and not shown again\n"
                "the older secrets of alice stay valid; when nobody needs them:\n"
                "  agent-executor keys revoke alice --hash aaaaaaaa -f " +
                file() + "\n");
  EXPECT_EQ(audit(),
            R"({"ts":"2027-01-15T08:00:00Z","action":"key.rotate","key_id":"alice","hash":")" +
                newHash() +
                R"(","actor":{"uid":1000,"user":"oper","sudo_user":"admin"},)"
                R"("detail":{"like":"aaaaaaaa"}})"
                "\n");
}

TEST_F(KeysRotateTest, EndsOldSecretsAfterTheGrace) {
  write(line("alice", 'a', "allow=*") + line("bob", 'b'));
  ASSERT_EQ(rotate("alice", "7d"), 0);
  EXPECT_EQ(text(), line("alice", 'a', "allow=* expires=2027-01-22T08:00:00Z") +
                        newLine("allow=*") + line("bob", 'b'));
  EXPECT_TRUE(
      said().ends_with("the older secrets of alice end at 2027-01-22T08:00:00Z at the latest\n"));
  EXPECT_NE(audit().find(R"("detail":{"like":"aaaaaaaa","grace":"7d",)"
                         R"("old_expires":"2027-01-22T08:00:00Z","shortened":["aaaaaaaa"]}})"),
            std::string::npos)
      << audit();
}

TEST_F(KeysRotateTest, ShortensAndNeverLengthens) {
  const std::string early = line("alice", 'a', "expires=2027-01-16T00:00:00Z allow=*");
  const std::string gone = line("alice", 'b', "expires=2026-01-01T00:00:00Z");
  write(early + gone + line("alice", 'c', "expires=2028-01-01T00:00:00Z allow=*"));
  ASSERT_EQ(rotate("alice", "7d"), 0);
  EXPECT_EQ(text(), early + gone + line("alice", 'c', "expires=2027-01-22T08:00:00Z allow=*") +
                        newLine("expires=2028-01-01T00:00:00Z allow=*"));
}

TEST_F(KeysRotateTest, TakesTheWordsOfTheLongestLivedLine) {
  // A second rotation within the grace of the first, with the newest line in front by hand.
  write(line("alice", 'a', "allow=new") +
        line("alice", 'b', "allow=b expires=2027-01-20T00:00:00Z"));
  ASSERT_EQ(rotate("alice"), 0);
  EXPECT_TRUE(text().ends_with(newLine("allow=new")));
  EXPECT_NE(said().find("with the words of aaaaaaaa"), std::string::npos);
}

TEST_F(KeysRotateTest, TakesTheLastOfEqualLines) {
  write(line("alice", 'a', "allow=a") + line("alice", 'b', "allow=b"));
  ASSERT_EQ(rotate("alice"), 0);
  EXPECT_TRUE(text().ends_with(newLine("allow=b")));
}

TEST_F(KeysRotateTest, CanBeRepeatedAgainAndAgain) {
  write(line("alice", 'a', "allow=* burst=2"));
  for (int i = 0; i < 8; ++i) ASSERT_EQ(rotate("alice", "1h"), 0) << said();
  const std::string all = text();
  const KeyFile parsed = parseKeyFile(all);
  EXPECT_TRUE(parsed.problems.empty());
  ASSERT_EQ(parsed.keys.size(), 9U);
  EXPECT_EQ(parsed.keys.back().key.expires_unix, 0);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(parsed.keys[i].key.expires_unix, now_ + 3600);
  said();
  ASSERT_EQ(rotate("alice"), 0);
  EXPECT_TRUE(said().ends_with("  and 4 more\n"));
}

TEST_F(KeysRotateTest, EndsALastLineWithoutNewline) {
  std::string old = line("alice", 'a', "allow=*");
  old.pop_back();
  write(old);
  ASSERT_EQ(rotate("alice"), 0);
  EXPECT_EQ(text(), old + "\n" + newLine("allow=*"));
}

TEST_F(KeysRotateTest, KeepsCarriageReturns) {
  write("alice sha256:" + test::hex('a') + " allow=* \r\n#\r\n");
  ASSERT_EQ(rotate("alice", "1d"), 0);
  EXPECT_EQ(text(), "alice sha256:" + test::hex('a') +
                        " allow=* expires=2027-01-16T08:00:00Z \r\n" + newLine("allow=*") +
                        "#\r\n");
}

TEST_F(KeysRotateTest, RefusesAnIdThatHasExpired) {
  const std::string old = line("alice", 'a', "expires=2027-01-15T08:00:00Z");
  write(old);
  EXPECT_EQ(rotate("alice"), 1);
  EXPECT_TRUE(said().starts_with(file() + ":1: alice has expired, and a new secret would have"));
  expectNothingChanged(old);
  EXPECT_TRUE(shown_.empty());
}

TEST_F(KeysRotateTest, RefusesBadArguments) {
  const std::string old = line("alice", 'a');
  write(old);
  for (const std::string& grace : {std::string("7"), std::string("0d"), std::string("-1d"),
                                   std::string("2027-06-30T00:00:00Z"), std::string("4000d")}) {
    EXPECT_EQ(rotate("alice", grace), 1);
    EXPECT_TRUE(said().starts_with("--grace takes a time with its unit")) << grace;
  }
  EXPECT_EQ(rotate("bob"), 1);
  EXPECT_TRUE(said().starts_with(file() + ": there is no key of bob"));
  expectNothingChanged(old);
  EXPECT_EQ(audit(), "");
}

TEST_F(KeysRotateTest, RefusesALineThatWouldGrowTooLong) {
  const std::string start = "alice sha256:" + test::hex('a') + " allow=";
  const std::string old = start + std::string(4090 - start.size(), 'x') + "\n";
  write(old);
  EXPECT_EQ(rotate("alice", "1d"), 1);
  EXPECT_EQ(said(), file() +
                        ":1: the line is longer than 4096 bytes; use wider globs or several keys\n"
                        "nothing was changed: that is how the file would have become\n");
  expectNothingChanged(old);
  EXPECT_TRUE(shown_.empty());
}

}  // namespace
}  // namespace agw::cli
