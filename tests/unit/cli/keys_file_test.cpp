#include "cli/key_file.h"

#include <gtest/gtest.h>

#include <sstream>

#include "cli/keys_test_support.h"

namespace agw::cli {
namespace {

using test::hex;
using test::line;

std::string problemsOf(const std::string& text) {
  std::ostringstream out;
  printProblems(out, "keys", parseKeyFile(text));
  return out.str();
}

TEST(KeyFile, KnowsEveryKeyAndItsPlace) {
  const std::string text = "# comment\r\n\n" + line("alice", 'a', "allow=*") + "  \n" +
                           line("bob", 'b') + "alice sha256:" + hex('c') + " allow=default/*";
  const KeyFile file = parseKeyFile(text);
  EXPECT_TRUE(file.problems.empty());
  EXPECT_EQ(file.ids, 2U);
  ASSERT_EQ(file.keys.size(), 3U);
  EXPECT_EQ(file.keys[0].line, 3U);
  EXPECT_EQ(file.keys[0].text, line("alice", 'a', "allow=*"));
  EXPECT_EQ(file.keys[0].key.id, "alice");
  EXPECT_EQ(file.keys[1].line, 5U);
  EXPECT_EQ(file.keys[2].line, 6U);
  EXPECT_EQ(file.keys[2].text, "alice sha256:" + hex('c') + " allow=default/*");
}

TEST(KeyFile, ReportsEveryBadLine) {
  const std::string text = "alice\n" + line("bob", 'b', "allow=") + line("eve", 'e') +
                           line("mia", 'f', "scopes=mcp streams=2") + "#\n" + line("x/y", 'd');
  EXPECT_EQ(parseKeyFile(text).keys.size(), 2U);
  const std::vector<std::string> said = test::linesOf(problemsOf(text));
  ASSERT_EQ(said.size(), 4U);
  EXPECT_TRUE(said[0].starts_with("keys:1: the second word must be sha256:")) << said[0];
  EXPECT_TRUE(said[1].starts_with("keys:2: allow=: write model globs")) << said[1];
  EXPECT_TRUE(said[2].starts_with("keys:4: streams= can never apply")) << said[2];
  EXPECT_TRUE(said[3].starts_with("keys:6: the line must begin with the key's id")) << said[3];
}

TEST(KeyFile, RefusesASecretThatStandsTwice) {
  const std::string expected =
      "keys:3: the same key as on line 1; one key stands for one id, so remove one of the lines\n";
  EXPECT_EQ(problemsOf(line("alice", 'a') + "\n" + line("bob", 'a')), expected);
  EXPECT_EQ(problemsOf(line("alice", 'a') + "\n" + line("alice", 'a')), expected);
  EXPECT_EQ(problemsOf(line("alice", 'a') + "\nbob sha256:" + hex('A')), expected);
}

TEST(KeyFile, WantsTheSameLimitsOnAllLinesOfAnId) {
  struct Case {
    std::string one;
    std::string other;
    std::string blamed;
  };
  const Case cases[] = {
      {"requests=60/m", "requests=61/m", "requests"},
      {"requests=60/m", "requests=60/h", "requests"},
      {"requests=60/m", "", "requests"},
      {"burst=3", "burst=4", "burst"},
      {"tokens=1k/m", "tokens=2k/m", "tokens"},
      {"streams=1", "", "streams"},
      {"", "max_run=10s", "max_run"},
  };
  for (const Case& test : cases) {
    EXPECT_EQ(problemsOf(line("alice", 'a', test.one) + line("bob", 'b') +
                         line("alice", 'c', test.other)),
              "keys:3: " + test.blamed +
                  "= differs from that of alice on line 1; limits belong to the id, so write the "
                  "same on all its lines\n");
  }
  EXPECT_EQ(problemsOf(line("alice", 'a', "requests=60/m tokens=1k/m max_run=60s allow=x") +
                       line("bob", 'b', "requests=1/m") +
                       line("alice", 'c',
                            "max_run=1m requests=60/m tokens=1000/m deny=y "
                            "scopes=chat,mcp expires=2030-01-01T00:00:00Z")),
            "");
}

TEST(KeyFile, CountsTheProblemsThatItDoesNotKeep) {
  std::string text;
  for (std::size_t i = 0; i < kMaxKeyFileProblems + 5; ++i) text += "x\n";
  const KeyFile file = parseKeyFile(text);
  EXPECT_EQ(file.problems.size(), kMaxKeyFileProblems);
  EXPECT_EQ(file.problem_count, kMaxKeyFileProblems + 5);
  std::ostringstream out;
  printProblems(out, "keys", file);
  EXPECT_TRUE(out.str().ends_with("\nkeys: and 5 more problems\n"));
}

TEST(KeyFile, TakesTheSampleFile) {
  const std::string sample = test::readFile(std::string(AGW_SOURCE_DIR) + "/conf/api_keys.example");
  const KeyFile file = parseKeyFile(sample);
  EXPECT_EQ(problemsOf(sample), "");
  EXPECT_EQ(file.keys.size(), 5U);
  EXPECT_EQ(file.ids, 4U);
}

TEST(KeyFile, GivesValuesAsTheyAreWritten) {
  const std::string text = line("alice", 'a', "tokens=100K/m allow=a,b burst=20");
  const KeyFile file = parseKeyFile(text);
  ASSERT_EQ(file.keys.size(), 1U);
  EXPECT_EQ(wordOf(file.keys[0], "tokens"), "100K/m");
  EXPECT_EQ(wordOf(file.keys[0], "burst"), "20");
  EXPECT_EQ(wordOf(file.keys[0], "streams"), "");
  EXPECT_EQ(wordOf(file.keys[0], "token"), "");
}

TEST(KeyFile, ShowsHashesShort) {
  const KeyHash hash = hashKeySecret("agk_test");
  EXPECT_EQ(hexOf(hash), "59a73377fba9ff94511ec9610f107724edffa9bfa4346c5c132cbd32389943b1");
  EXPECT_EQ(shortHash(hash), "59a73377");
}

}  // namespace
}  // namespace agw::cli
