#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "cli/key_file.h"
#include "cli/keys_test_support.h"

namespace agw::cli {
namespace {

using test::line;
using test::linesOf;

class KeysAddTest : public test::KeysTest {};

TEST_F(KeysAddTest, WritesTheHashAndShowsTheSecretOnce) {
  write(line("bob", 'b'));
  ASSERT_EQ(add("alice", {{"allow", "default/*"}, {"scopes", "chat,mcp"}}), 0);
  ASSERT_EQ(shown_.size(), 1U);
  const std::string hex = hexOf(hashKeySecret(shown_[0]));
  EXPECT_EQ(text(),
            line("bob", 'b') + "alice sha256:" + hex + " allow=default/* scopes=chat,mcp\n");
  const std::string said_text = said();
  EXPECT_EQ(said_text, file() + ": added alice, hash " + hex.substr(0, 8) +
                           "; the secret on standard output is not kept anywhere and not shown "
                           "again\n");
  for (const std::string& place : {text(), audit(), said_text}) {
    EXPECT_EQ(place.find(shown_[0].substr(4, 12)), std::string::npos);
  }
}

TEST_F(KeysAddTest, LeavesAnAuditLineWithoutTheHash) {
  ASSERT_EQ(add("alice", {{"allow", "*"}, {"expires", "30d"}}), 0);
  const std::string hex = hexOf(hashKeySecret(shown_.at(0)));
  EXPECT_EQ(audit(),
            R"({"ts":"2027-01-15T08:00:00Z","action":"key.add","key_id":"alice","hash":")" +
                hex.substr(0, 8) +
                R"(","actor":{"uid":1000,"user":"oper","sudo_user":"admin"},)"
                R"("detail":{"allow":"*","expires":"2027-02-14T08:00:00Z"}})"
                "\n");
}

TEST_F(KeysAddTest, WritesEveryWord) {
  ASSERT_EQ(add("alice", {{"allow", "a,b/*"},
                          {"deny", "b/x"},
                          {"scopes", "chat"},
                          {"act_as", "helper"},
                          {"requests", "60/m"},
                          {"burst", "20"},
                          {"tokens", "100k/m"},
                          {"streams", "8"},
                          {"max_run", "600s"},
                          {"expires", "2027-06-30T00:00:00Z"}}),
            0);
  EXPECT_TRUE(text().ends_with(
      " allow=a,b/* deny=b/x scopes=chat act_as=helper requests=60/m burst=20 tokens=100k/m "
      "streams=8 max_run=600s expires=2027-06-30T00:00:00Z\n"));
}

TEST_F(KeysAddTest, MakesTheFileAndSaysWhoMustReadIt) {
  ASSERT_EQ(add("alice"), 0);
  EXPECT_EQ(linesOf(text()).size(), 1U);
  EXPECT_EQ(test::modeOf(file()), 0640U);
  EXPECT_EQ(test::modeOf(file() + ".audit"), 0600U);
  const std::string all = said();
  EXPECT_NE(all.find("without --allow it may use no model yet\n"), std::string::npos);
  EXPECT_NE(all.find("the file is new, with mode 0640"), std::string::npos);
  ASSERT_EQ(add("bob", {{"allow", "*"}}), 0);
  EXPECT_EQ(said().find("the file is new"), std::string::npos);
}

TEST_F(KeysAddTest, KeepsEveryOtherByte) {
  const std::string old = "\r\n# Ä comment \n\n\t" + line("bob", 'b', " allow=*\t ") + "  #x\r\n" +
                          "eve sha256:" + test::hex('e');
  write(old);
  ASSERT_EQ(add("alice"), 0);
  const std::string now = text();
  EXPECT_TRUE(now.starts_with(old + "\nalice sha256:")) << now;
  EXPECT_TRUE(now.ends_with("\n"));
}

TEST_F(KeysAddTest, RefusesAnIdThatIsThere) {
  const std::string old = "#\n" + line("alice", 'a');
  write(old);
  EXPECT_EQ(add("alice"), 1);
  EXPECT_EQ(said(), file() +
                        ":2: alice has a key; `keys rotate alice` gives it another secret\n"
                        "nothing was changed\n");
  expectNothingChanged(old);
  EXPECT_TRUE(shown_.empty());
  EXPECT_EQ(audit(), "");
  EXPECT_EQ(add("Alice"), 0) << "ids are case-sensitive";
}

TEST_F(KeysAddTest, RefusesWordsThatTheEdgeWouldRefuse) {
  struct Case {
    KeyWord word;
    std::string_view said;
  };
  const Case cases[] = {
      {{"allow", ""}, "allow=: write model globs"},
      {{"allow", "a b"}, "allow=: the value must be without blanks"},
      {{"scopes", "root"}, "scopes=root: write one or more"},
      {{"requests", "60"}, "requests=60: write a count"},
      {{"burst", "0"}, "burst=0: write a count"},
      {{"max_run", "600"}, "max_run=600: write a time"},
      {{"expires", "1d2h"}, "expires=1d2h: write a time in UTC"},
      {{"expires", "2020-01-01T00:00:00Z"}, "expires=2020-01-01T00:00:00Z is in the past"},
      {{"act_as", "a,b"}, "act_as=a,b: write one agent name"},
  };
  for (const Case& test : cases) {
    EXPECT_EQ(add("alice", {test.word}), 1);
    const std::string all = said();
    EXPECT_TRUE(all.starts_with(test.said)) << all;
    EXPECT_TRUE(all.ends_with("\nnothing was changed\n")) << all;
  }
  EXPECT_EQ(add("alice", {{"scopes", "mcp"}, {"streams", "3"}}), 1);
  EXPECT_TRUE(said().starts_with("streams= can never apply"));
  EXPECT_EQ(add("alice", {{"allow", std::string(5000, 'a')}}), 1);
  EXPECT_TRUE(said().starts_with("the line is longer than 4096 bytes"));
  EXPECT_EQ(add("al ice"), 1);
  EXPECT_TRUE(said().starts_with("an id is 1 to 64 characters"));
  EXPECT_EQ(dir_.entries(), 0U) << "no file was touched";
  EXPECT_TRUE(shown_.empty());
}

TEST_F(KeysAddTest, RefusesABadFileWithItsErrors) {
  const std::string old = line("bob", 'b') + "eve\n" + line("mia", 'b');
  write(old);
  EXPECT_EQ(add("alice"), 1);
  const std::vector<std::string> all = linesOf(said());
  ASSERT_EQ(all.size(), 3U);
  EXPECT_TRUE(all[0].starts_with(file() + ":2: the second word must be sha256:"));
  EXPECT_TRUE(all[1].starts_with(file() + ":3: the same key as on line 1"));
  EXPECT_EQ(all[2], "nothing was changed: put these lines right first");
  expectNothingChanged(old);
}

TEST_F(KeysAddTest, UsesAnotherAuditFile) {
  KeysContext elsewhere = context();
  elsewhere.audit_file = dir_.file("changes");
  EXPECT_EQ(addKey(elsewhere, "alice", {}), 0);
  EXPECT_EQ(linesOf(test::readFile(dir_.file("changes"))).size(), 1U);
  EXPECT_FALSE(std::filesystem::exists(file() + ".audit"));
}

TEST_F(KeysAddTest, LosesNoKeyWhenTwoEditorsAreAtWork) {
  constexpr int kEach = 10;
  const auto work = [this](const std::string& name) {
    std::ostringstream err;
    int failures = 0;
    for (int i = 0; i < kEach; ++i) {
      const KeysContext mine{.file = file(),
                             .audit_file = {},
                             .now_unix = now_,
                             .actor = {},
                             .lock_deadline = std::chrono::seconds(30),
                             .show_secret = [](const KeySecret&) { return std::string(); },
                             .err = err};
      failures += addKey(mine, name + std::to_string(i), {});
    }
    EXPECT_EQ(failures, 0) << err.str();
  };
  std::thread one(work, "one");
  std::thread two(work, "two");
  one.join();
  two.join();
  const std::string all = text();
  const KeyFile parsed = parseKeyFile(all);
  EXPECT_TRUE(parsed.problems.empty());
  EXPECT_EQ(parsed.ids, 2U * kEach);
  EXPECT_EQ(linesOf(audit()).size(), 2U * kEach);
}

}  // namespace
}  // namespace agw::cli
