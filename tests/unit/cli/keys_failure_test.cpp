// What goes wrong in the middle of a change: nothing is half done, and the audit file tells.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "cli/file_lock.h"
#include "cli/keys_test_support.h"

namespace agw::cli {
namespace {

using test::line;
using test::linesOf;

class KeysFailureTest : public test::KeysTest {
 protected:
  void SetUp() override { write(old_); }

  const std::string old_ = line("bob", 'b') + line("bob", 'c');
};

TEST_F(KeysFailureTest, ALockThatIsHeldIsWaitedForAndNamed) {
  io::UniqueFd other;
  ASSERT_EQ(lockFile(file() + ".lock", std::chrono::milliseconds(60), other), "");
  EXPECT_EQ(add("alice"), 1);
  EXPECT_EQ(said(), file() +
                        ".lock: another program has held this lock for 60 ms; try again when it "
                        "has ended\nnothing was changed\n");
  EXPECT_EQ(revoke("bob"), 1);
  EXPECT_EQ(rotate("bob"), 1);
  expectNothingChanged(old_);
  EXPECT_TRUE(shown_.empty());
  EXPECT_EQ(audit(), "");
}

TEST_F(KeysFailureTest, NoAuditLineNoChange) {
  std::filesystem::create_directory(file() + ".audit");
  EXPECT_EQ(add("alice"), 1);
  EXPECT_EQ(said(), file() +
                        ".audit: the audit file cannot be opened: Is a directory\nnothing was "
                        "changed\n");
  EXPECT_EQ(revoke("bob"), 1);
  EXPECT_EQ(rotate("bob", "1d"), 1);
  expectNothingChanged(old_);
  EXPECT_TRUE(shown_.empty()) << "a secret of a key that does not exist";
}

TEST_F(KeysFailureTest, ADiskThatIsFullForTheAuditFileIsNoChange) {
  const std::string before = std::string(1995, 'x') + "\n";
  dir_.write("api_keys.audit", before);
  {
    const test::FileSizeLimit full(2000);
    EXPECT_EQ(add("alice"), 1);
  }
  EXPECT_NE(said().find("the audit file cannot be written: no space is left"), std::string::npos);
  expectNothingChanged(old_);
  EXPECT_EQ(audit(), before);
  EXPECT_TRUE(shown_.empty());
}

TEST_F(KeysFailureTest, ADiskThatIsFullForTheKeyFileIsNoChange) {
  {
    const test::FileSizeLimit full(old_.size() + 10);
    EXPECT_EQ(add("alice"), 1);
  }
  EXPECT_EQ(said(), dir_.file(".api_keys.agent-executor-new") +
                        ": cannot be written: File too large\nnothing was changed\n");
  expectNothingChanged(old_);
  EXPECT_EQ(audit(), "") << "nothing was about to happen";
  EXPECT_TRUE(shown_.empty());
}

TEST_F(KeysFailureTest, ASecretThatCannotBeShownIsNoKey) {
  show_error_ = "the secret cannot be written: Broken pipe";
  EXPECT_EQ(add("alice", {{"allow", "*"}}), 1);
  EXPECT_EQ(said(), "the secret cannot be written: Broken pipe\nnothing was changed\n");
  EXPECT_EQ(rotate("bob"), 1);
  expectNothingChanged(old_);
  const std::vector<std::string> lines = linesOf(audit());
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[1], lines[0].substr(0, lines[0].size() - 1) +
                          R"(,"result":"failed","error":"the secret cannot be written: )"
                          R"(Broken pipe"})");
  EXPECT_NE(lines[2].find("key.rotate"), std::string::npos);
  EXPECT_EQ(lines[2].find("failed"), std::string::npos);
  EXPECT_NE(lines[3].find(R"("result":"failed")"), std::string::npos);
}

TEST_F(KeysFailureTest, AFileThatSomebodyEditsMeanwhileKeepsTheirChange) {
  KeysContext racing = context();
  racing.show_secret = [this](const KeySecret&) {
    write("# by hand\n");
    return std::string();
  };
  EXPECT_EQ(addKey(racing, "alice", {}), 1);
  EXPECT_EQ(said(), file() +
                        ": another program has changed the file in the meantime; try again\n"
                        "nothing was changed; forget the secret that was shown\n");
  expectNothingChanged("# by hand\n");
  EXPECT_NE(audit().find(R"("result":"failed","error":")" + file() + ": another"),
            std::string::npos);
}

TEST_F(KeysFailureTest, ARenameThatFailsIsAudited) {
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(dir_.file("").c_str(), test::kNobody, ::getegid()), 0);
    ASSERT_EQ(::chown(file().c_str(), test::kNobody, ::getegid()), 0);
  }
  KeysContext locked_out = context();
  locked_out.show_secret = [this](const KeySecret&) {
    EXPECT_EQ(::chmod(dir_.file("").c_str(), 0555), 0);
    return std::string();
  };
  {
    const test::WithoutRoot nobody;
    EXPECT_EQ(addKey(locked_out, "alice", {}), 1);
    EXPECT_EQ(::chmod(dir_.file("").c_str(), 0755), 0);
  }
  EXPECT_EQ(said(), file() +
                        ": cannot be replaced: Permission denied\n"
                        "nothing was changed; forget the secret that was shown\n");
  EXPECT_EQ(text(), old_);
  const std::vector<std::string> lines = linesOf(audit());
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[1].find(R"("result":"failed")"), std::string::npos);
}

TEST_F(KeysFailureTest, AnAuditFileThatFailsInTheMiddleIsSaid) {
  KeysContext unlucky = context();
  unlucky.show_secret = [this](const KeySecret&) {
    std::filesystem::remove(file() + ".audit");
    std::filesystem::create_directory(file() + ".audit");
    return std::string("no terminal");
  };
  EXPECT_EQ(addKey(unlucky, "alice", {}), 1);
  EXPECT_EQ(said(), "no terminal\nnothing was changed\n" + file() +
                        ".audit: the audit file cannot be opened: Is a directory\n"
                        "its last line is about this failed change\n");
  expectNothingChanged(old_);
}

TEST_F(KeysFailureTest, CtrlCWaitsUntilTheChangeIsDone) {
  static volatile std::sig_atomic_t interrupts = 0;
  interrupts = 0;
  auto* const before = std::signal(SIGINT, [](int) { interrupts = interrupts + 1; });
  KeysContext interrupted = context();
  int seen_while_shown = -1;
  interrupted.show_secret = [&seen_while_shown](const KeySecret&) {
    EXPECT_EQ(std::raise(SIGINT), 0);
    seen_while_shown = interrupts;
    return std::string();
  };
  EXPECT_EQ(addKey(interrupted, "alice", {}), 0);
  std::signal(SIGINT, before);
  EXPECT_EQ(seen_while_shown, 0);
  EXPECT_EQ(interrupts, 1);
  EXPECT_NE(text(), old_);
}

}  // namespace
}  // namespace agw::cli
