#include <gtest/gtest.h>

#include "cli/keys_test_support.h"

namespace agw::cli {
namespace {

using test::hex;
using test::line;

class KeysRevokeTest : public test::KeysTest {
 protected:
  const std::string alice_ = line("alice", 'a', "allow=*");
  const std::string alice2_ = line("alice", 'c', "allow=*");
  const std::string bob_ = line("bob", 'b');
};

TEST_F(KeysRevokeTest, RemovesEveryLineOfTheId) {
  write("# one\n" + alice_ + "\n" + bob_ + alice2_ + "# two");
  EXPECT_EQ(revoke("alice"), 0);
  EXPECT_EQ(text(), "# one\n\n" + bob_ + "# two\n");
  EXPECT_EQ(said(), file() + ": revoked 2 secrets of alice, 0 left\n");
  EXPECT_EQ(audit(), R"({"ts":"2027-01-15T08:00:00Z","action":"key.revoke","key_id":"alice",)"
                     R"("hash":"aaaaaaaa","actor":{"uid":1000,"user":"oper","sudo_user":"admin"},)"
                     R"("detail":{"count":2,"removed":["aaaaaaaa","cccccccc"]}})"
                     "\n");
  EXPECT_TRUE(shown_.empty());
}

TEST_F(KeysRevokeTest, RemovesTheSecretThatIsNamed) {
  write(alice_ + bob_ + alice2_);
  EXPECT_EQ(revoke("alice", "sha256:CCCCCCCC"), 0);
  EXPECT_EQ(text(), alice_ + bob_);
  EXPECT_EQ(said(), file() + ": revoked 1 secret of alice, 1 left\n");
}

// nginx would take an empty file for one that is being written, and keep the key.
TEST_F(KeysRevokeTest, LeavesACommentInPlaceOfTheLastLine) {
  write(bob_);
  EXPECT_EQ(revoke("bob"), 0);
  EXPECT_EQ(text(), "# no keys\n");
}

TEST_F(KeysRevokeTest, WantsOneSecretForAPrefix) {
  const std::string twin = "alice sha256:" + std::string(63, 'a') + "b\n";
  const std::string old = alice_ + twin;
  write(old);
  EXPECT_EQ(revoke("alice", "aaaaaaaa"), 1);
  EXPECT_EQ(said(), file() +
                        ": 2 secrets of alice have a hash that begins so; write more digits of "
                        "the one, as they stand in the file\nnothing was changed\n");
  expectNothingChanged(old);
  EXPECT_EQ(revoke("alice", std::string(63, 'a') + "b"), 0);
  EXPECT_EQ(text(), alice_);
}

TEST_F(KeysRevokeTest, RefusesWhatIsNotThere) {
  const std::string old = alice_ + bob_;
  write(old);
  EXPECT_EQ(revoke("carol"), 1);
  EXPECT_EQ(said(), file() +
                        ": there is no key of carol; `keys list` shows the ids\nnothing was "
                        "changed\n");
  EXPECT_EQ(revoke("alic"), 1) << "no part of an id";
  said();
  EXPECT_EQ(revoke("alice", "bbbbbbbb"), 1) << "that is bob's";
  EXPECT_EQ(said(), file() +
                        ": alice has no secret whose hash begins so; `keys list` shows the "
                        "hashes\nnothing was changed\n");
  EXPECT_EQ(revoke("alice", "aaaaaaa"), 1);
  EXPECT_TRUE(said().starts_with("--hash takes the first 8 to 64 hex digits"));
  expectNothingChanged(old);
  EXPECT_EQ(audit(), "");
}

TEST_F(KeysRevokeTest, NeedsAFile) {
  EXPECT_EQ(revoke("alice"), 1);
  EXPECT_EQ(said(), file() + ": there is no such file\nnothing was changed\n");
  EXPECT_EQ(dir_.entries(), 0U);
}

TEST_F(KeysRevokeTest, RefusesABadFile) {
  const std::string old = alice_ + "bob sha256:\n";
  write(old);
  EXPECT_EQ(revoke("alice"), 1);
  EXPECT_TRUE(said().starts_with(file() + ":2: sha256: needs exactly 64 hex digits"));
  expectNothingChanged(old);
}

TEST_F(KeysRevokeTest, NamesAHundredHashesInTheAuditLineAtMost) {
  std::string all;
  for (int i = 100; i < 250; ++i) {
    all += "alice sha256:" + std::to_string(i) + std::string(61, '0') + "\n";
  }
  write(all);
  EXPECT_EQ(revoke("alice"), 0);
  EXPECT_NE(audit().find(R"("count":150,"removed":["10000000",)"), std::string::npos);
  EXPECT_NE(audit().find(R"("19900000"]}})"), std::string::npos);
  EXPECT_EQ(text(), "# no keys\n");
}

}  // namespace
}  // namespace agw::cli
