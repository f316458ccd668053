#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "cli/file_lock.h"
#include "cli/key_audit.h"
#include "cli/keys_test_support.h"
#include "io/temp_dir.h"

namespace agw::cli {
namespace {

using std::chrono::milliseconds;
using test::kNow;
using test::readFile;

const std::string kLine =
    R"({"ts":"2027-01-15T08:00:00Z","action":"key.add","key_id":"alice","hash":"9f86d081",)"
    R"("actor":{"uid":1000,"user":"oper","sudo_user":"admin"},"detail":{"allow":"*"}})"
    "\n";

class KeyAuditTest : public ::testing::Test {
 protected:
  std::string path() const { return dir_.file("audit"); }
  std::string append(const Actor& actor = {1000, "oper", "admin"}) const {
    return KeyAudit(path(), actor, milliseconds(60)).append(record_, kNow);
  }

  io::test::TempDir dir_;
  AuditRecord record_{"key.add", "alice", "9f86d081", R"({"allow":"*"})"};
};

TEST_F(KeyAuditTest, AppendsALineForEachChange) {
  EXPECT_EQ(append(), "");
  EXPECT_EQ(append(), "");
  EXPECT_EQ(readFile(path()), kLine + kLine);
}

TEST_F(KeyAuditTest, IsForItsOwnerAlone) {
  const mode_t before = ::umask(0);
  EXPECT_EQ(append(), "");
  ::umask(before);
  EXPECT_EQ(test::modeOf(path()), 0600U);
}

TEST_F(KeyAuditTest, LeavesOutWhatItDoesNotKnow) {
  EXPECT_EQ(append({7, "", ""}), "");
  EXPECT_NE(readFile(path()).find(R"("actor":{"uid":7},)"), std::string::npos);
}

TEST_F(KeyAuditTest, KeepsStrangeNamesInsideTheirString) {
  EXPECT_EQ(append({7, "", "x\",\"uid\":0,\"\n" + std::string(1000, 'y')}), "");
  const std::string text = readFile(path());
  EXPECT_EQ(test::linesOf(text).size(), 1U);
  EXPECT_NE(text.find(R"("sudo_user":"x\",\"uid\":0,\"\ny)"), std::string::npos) << text;
  EXPECT_LT(text.size(), 500U);
}

TEST_F(KeyAuditTest, SaysThatAChangeHasFailed) {
  const KeyAudit audit(path(), {1000, "oper", "admin"}, milliseconds(60));
  EXPECT_EQ(audit.appendFailure(record_, kNow, "no rename"), "");
  EXPECT_EQ(readFile(path()), kLine.substr(0, kLine.size() - 2) +
                                  R"(,"result":"failed","error":"no rename"})"
                                  "\n");
}

TEST_F(KeyAuditTest, BeginsALineOfItsOwnBehindACutOne) {
  dir_.write("audit", "{\"ts\":");
  EXPECT_EQ(append(), "");
  EXPECT_EQ(readFile(path()), "{\"ts\":\n" + kLine);
}

TEST_F(KeyAuditTest, TakesAPartOfALineBack) {
  const std::string old = std::string(990, 'x') + "\n";
  dir_.write("audit", old);
  {
    const test::FileSizeLimit full(1000);
    EXPECT_EQ(append(), path() + ": the audit file cannot be written: no space is left");
  }
  EXPECT_EQ(readFile(path()), old);
  {
    const test::FileSizeLimit full(old.size());
    EXPECT_EQ(append(), path() + ": the audit file cannot be written: File too large");
  }
  EXPECT_EQ(readFile(path()), old);
}

TEST_F(KeyAuditTest, NeedsAFileThatItCanWrite) {
  ASSERT_EQ(::mkdir(path().c_str(), 0755), 0);
  EXPECT_EQ(append(), path() + ": the audit file cannot be opened: Is a directory");
  ASSERT_EQ(::rmdir(path().c_str()), 0);
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  EXPECT_EQ(append(), path() + ": the audit file is not a regular file");
}

TEST_F(KeyAuditTest, WaitsForOthersAndNoLonger) {
  ASSERT_EQ(append(), "");
  io::UniqueFd other(::open(path().c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(waitForLock(other.get(), path(), milliseconds(60)), "");
  EXPECT_NE(append().find("another program has held this lock for 60 ms"), std::string::npos);
  other = io::UniqueFd();
  EXPECT_EQ(append(), "");
  EXPECT_EQ(readFile(path()), kLine + kLine);
}

TEST(ProcessActor, IsWhoRunsTheProcess) {
  ASSERT_EQ(::setenv("SUDO_USER", "somebody", 1), 0);
  const Actor actor = processActor();
  EXPECT_EQ(actor.uid, ::getuid());
  EXPECT_EQ(actor.sudo_user, "somebody");
  EXPECT_EQ(actor.user == "root", actor.uid == 0);
  ASSERT_EQ(::unsetenv("SUDO_USER"), 0);
  EXPECT_EQ(processActor().sudo_user, "");
}

}  // namespace
}  // namespace agw::cli
