#include "cli/keys_report.h"

#include <gtest/gtest.h>

#include "cli/keys_test_support.h"

namespace agw::cli {
namespace {

using test::hex;
using test::line;
using test::linesOf;

class KeysReportTest : public test::KeysTest {
 protected:
  int list(ListForm form) { return listKeys(file(), form, now_, out_, err_); }
  int check() { return checkKeys(file(), now_, out_, err_); }

  std::ostringstream out_;
};

TEST_F(KeysReportTest, ListsATable) {
  write("# keys\n" + line("alice", 'a', "allow=default/* scopes=chat,runs burst=20 requests=60/m") +
        line("bob", 'b', "expires=2027-01-16T00:00:00Z allow=a,b deny=c") +
        line("alice", 'c', "requests=60/m burst=20 expires=2026-01-01T00:00:00Z allow=default/*"));
  EXPECT_EQ(list(ListForm::Table), 0);
  EXPECT_EQ(
      out_.str(),
      "ID     HASH      STATE     EXPIRES               SECRETS  SCOPES     ALLOW      DENY  "
      "LIMITS\n"
      "alice  aaaaaaaa  valid     -                     2        chat,runs  default/*  -     "
      "requests=60/m burst=20\n"
      "bob    bbbbbbbb  expiring  2027-01-16T00:00:00Z  1        chat       a,b        c     -\n"
      "alice  cccccccc  expired   2026-01-01T00:00:00Z  2        chat       default/*  -     "
      "requests=60/m burst=20\n");
  EXPECT_EQ(said(), "");
}

TEST_F(KeysReportTest, ListsJson) {
  write(line("alice", 'a',
             "allow=a,b/* deny=c act_as=x scopes=chat,mcp requests=60/m burst=2 tokens=1k/m "
             "streams=3 max_run=60s expires=2027-06-30T00:00:00Z") +
        "\n" + line("bob", 'b'));
  EXPECT_EQ(list(ListForm::Json), 0);
  EXPECT_EQ(
      out_.str(),
      "[\n"
      R"({"id":"alice","hash":"aaaaaaaa","line":1,"state":"valid","expires":"2027-06-30T00:00:00Z",)"
      R"("secrets":1,"scopes":["chat","mcp"],"allow":["a","b/*"],"deny":["c"],"act_as":"x",)"
      R"("limits":{"requests":"60/m","burst":"2","tokens":"1k/m","streams":"3","max_run":"60s"}})"
      ",\n"
      R"({"id":"bob","hash":"bbbbbbbb","line":3,"state":"valid","expires":null,"secrets":1,)"
      R"("scopes":["chat"],"allow":[],"deny":[],"act_as":null,"limits":{}})"
      "\n]\n");
}

TEST_F(KeysReportTest, ListsNothingOfAnEmptyFile) {
  write("# none\n");
  EXPECT_EQ(list(ListForm::Json), 0);
  EXPECT_EQ(out_.str(), "[]\n");
  EXPECT_EQ(check(), 0);
}

TEST_F(KeysReportTest, ListsTheGoodLinesOfABadFile) {
  write("alice\n" + line("bob", 'b'));
  EXPECT_EQ(list(ListForm::Table), 1);
  EXPECT_EQ(linesOf(out_.str()).size(), 2U);
  EXPECT_TRUE(said().starts_with(file() + ":1: the second word must be sha256:"));
}

TEST_F(KeysReportTest, NeverShowsAWholeHash) {
  write(line("alice", 'a') + line("bob", 'b', "expires=2027-01-16T00:00:00Z") + line("eve", 'a') +
        "mia " + hex('d') + "\n");
  list(ListForm::Table);
  list(ListForm::Json);
  check();
  const std::string all = out_.str() + said();
  for (const char digit : {'a', 'b', 'd'}) {
    EXPECT_EQ(all.find(std::string(9, digit)), std::string::npos) << digit;
  }
}

TEST_F(KeysReportTest, ChecksAGoodFile) {
  write(line("alice", 'a') + line("alice", 'b', "expires=2027-01-22T08:00:00Z") +
        line("bob", 'c', "expires=2027-01-15T13:00:00Z") +
        line("eve", 'd', "expires=2027-01-15T08:09:59Z") +
        line("mia", 'e', "expires=2027-01-15T07:59:59Z") +
        line("zoe", 'f', "expires=2027-01-22T08:00:01Z"));
  EXPECT_EQ(check(), 0);
  EXPECT_EQ(out_.str(),
            file() + ": ok, 6 keys, 5 ids, 3 expiring within 7 days, 1 expired\n" +
                "warning: " + file() +
                ":2: alice (bbbbbbbb) expires in 7 days, at 2027-01-22T08:00:00Z; another secret "
                "of alice lives longer\n"
                "warning: " +
                file() +
                ":3: bob (cccccccc) expires in 5 hours, at 2027-01-15T13:00:00Z; it is the last "
                "one of bob\n"
                "warning: " +
                file() +
                ":4: eve (dddddddd) expires in 9 minutes, at 2027-01-15T08:09:59Z; it is the last "
                "one of eve\n"
                "warning: " +
                file() + ":5: mia (eeeeeeee) expired at 2027-01-15T07:59:59Z; revoke it\n");
  EXPECT_EQ(said(), "");
}

TEST_F(KeysReportTest, ChecksABadFile) {
  write(line("alice", 'a', "burst=1") + line("alice", 'b') + line("bob", 'c', "allow=x deny=*") +
        "eve\n");
  EXPECT_EQ(check(), 1);
  EXPECT_EQ(out_.str(), "");
  const std::vector<std::string> all = linesOf(said());
  ASSERT_EQ(all.size(), 4U);
  EXPECT_TRUE(all[0].starts_with(file() + ":2: burst= differs from that of alice on line 1"));
  EXPECT_TRUE(all[1].starts_with(file() + ":3: allow=x can never match"));
  EXPECT_TRUE(all[2].starts_with(file() + ":4: the second word"));
  EXPECT_EQ(all[3], file() + ": 3 problems");
}

TEST_F(KeysReportTest, NeedsAFile) {
  EXPECT_EQ(check(), 1);
  EXPECT_EQ(said(), file() + ": cannot be opened: No such file or directory\n");
  EXPECT_EQ(list(ListForm::Json), 1);
  EXPECT_EQ(said(), file() + ": cannot be opened: No such file or directory\n");
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(dir_.entries(), 0U) << "neither makes a lock";
}

}  // namespace
}  // namespace agw::cli
