#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <thread>

#include "cli/file_lock.h"
#include "cli/key_file.h"
#include "cli/key_file_store.h"
#include "cli/keys_test_support.h"
#include "io/temp_dir.h"

namespace agw::cli {
namespace {

using std::chrono::milliseconds;
using test::modeOf;
using test::readFile;

constexpr milliseconds kSoon{60};
constexpr milliseconds kLong{10'000};

class KeyFileStoreTest : public ::testing::Test {
 protected:
  std::string file() const { return dir_.file("keys"); }
  std::string open(KeyFileStore& store, IfMissing missing = IfMissing::Refuse) const {
    return store.open(file(), missing, kSoon);
  }
  // The whole way; what the first step that failed said.
  std::string replace(const std::string& path, const std::string& text) const {
    KeyFileStore store;
    std::string error = store.open(path, IfMissing::Create, kSoon);
    if (error.empty()) error = store.prepare(text);
    if (error.empty()) error = store.replace();
    if (error.empty()) error = store.syncFolder();
    return error;
  }

  io::test::TempDir dir_;
};

TEST_F(KeyFileStoreTest, ReplacesTheFileAsAWhole) {
  dir_.write("keys", "old");
  const int held = ::open(file().c_str(), O_RDONLY | O_CLOEXEC);
  const io::UniqueFd reader(held);
  EXPECT_EQ(replace(file(), "new"), "");
  EXPECT_EQ(readFile(file()), "new");
  char text[8];
  ASSERT_EQ(::read(reader.get(), text, sizeof text), 3);
  EXPECT_EQ(std::string(text, 3), "old") << "who reads the old file reads it to its end";
  EXPECT_EQ(dir_.entries(), 2U) << "the file and its lock";
}

TEST_F(KeyFileStoreTest, KeepsTheMode) {
  const mode_t before = ::umask(0077);
  for (const mode_t mode : {mode_t{0600}, mode_t{0640}, mode_t{0664}, mode_t{0444}}) {
    dir_.write("keys", "old");
    ASSERT_EQ(::chmod(file().c_str(), mode), 0);
    EXPECT_EQ(replace(file(), "new"), "");
    EXPECT_EQ(modeOf(file()), mode);
    std::filesystem::remove(file());
  }
  ::umask(before);
}

TEST_F(KeyFileStoreTest, GivesANewFile0640WhateverTheUmask) {
  for (const mode_t mask : {mode_t{0}, mode_t{0077}}) {
    const mode_t before = ::umask(mask);
    EXPECT_EQ(replace(file(), "new"), "");
    ::umask(before);
    EXPECT_EQ(modeOf(file()), 0640U);
    EXPECT_EQ(modeOf(file() + ".lock"), 0600U);
    std::filesystem::remove(file());
  }
}

TEST_F(KeyFileStoreTest, KeepsTheOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may give files away";
  dir_.write("keys", "old");
  ASSERT_EQ(::chown(file().c_str(), test::kNobody, 12345), 0);
  EXPECT_EQ(replace(file(), "new"), "");
  struct stat status {};
  ASSERT_EQ(::stat(file().c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, test::kNobody);
  EXPECT_EQ(status.st_gid, 12345U);
}

TEST_F(KeyFileStoreTest, RefusesWhenItCannotKeepTheOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make a file that is not its own";
  dir_.write("keys", "old");
  ASSERT_EQ(::chmod(dir_.file("").c_str(), 0777), 0);
  const test::WithoutRoot nobody;
  EXPECT_TRUE(
      replace(file(), "new")
          .ends_with(
              "it cannot be given to the file's owner and group (0:0): Operation not permitted"));
  EXPECT_EQ(readFile(file()), "old");
  EXPECT_EQ(dir_.entries(), 2U);
}

// A version 2 ACL as the kernel takes it: rw for the owner, r for user 65534, - for others.
TEST_F(KeyFileStoreTest, KeepsTheAcl) {
  dir_.write("keys", "old");
  constexpr auto kName = "system.posix_acl_access";
  const std::array<unsigned char, 44> acl = {
      2,    0, 0, 0,                          // version
      0x01, 0, 6, 0, 0xFF, 0xFF, 0xFF, 0xFF,  // owner
      0x02, 0, 4, 0, 0xFE, 0xFF, 0,    0,     // user 65534
      0x04, 0, 4, 0, 0xFF, 0xFF, 0xFF, 0xFF,  // group
      0x10, 0, 4, 0, 0xFF, 0xFF, 0xFF, 0xFF,  // mask
      0x20, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF,  // others
  };
  if (::setxattr(file().c_str(), kName, acl.data(), acl.size(), 0) != 0) {
    ASSERT_EQ(errno, EOPNOTSUPP);
    GTEST_SKIP() << "this file system has no ACLs";
  }
  EXPECT_EQ(replace(file(), "new"), "");
  std::array<unsigned char, 100> got{};
  ASSERT_EQ(::getxattr(file().c_str(), kName, got.data(), got.size()),
            static_cast<ssize_t>(acl.size()));
  EXPECT_TRUE(std::equal(acl.begin(), acl.end(), got.begin()));
  EXPECT_EQ(modeOf(file()), 0640U);
}

TEST_F(KeyFileStoreTest, ReplacesWhatALinkLeadsTo) {
  std::filesystem::create_directory(dir_.file("real"));
  dir_.write("real/target", "old");
  std::filesystem::create_symlink("real/target", file());
  EXPECT_EQ(replace(file(), "new"), "");
  EXPECT_TRUE(std::filesystem::is_symlink(file()));
  EXPECT_EQ(readFile(dir_.file("real/target")), "new");
  EXPECT_TRUE(std::filesystem::exists(dir_.file("real/target.lock")));
}

TEST_F(KeyFileStoreTest, RefusesALinkToNothing) {
  std::filesystem::create_symlink("nothing", file());
  EXPECT_EQ(replace(file(), "new"), file() + ": cannot be found: No such file or directory");
  EXPECT_TRUE(std::filesystem::is_symlink(file()));
}

TEST_F(KeyFileStoreTest, MakesAMissingFileOnlyWhenAsked) {
  KeyFileStore refused;
  EXPECT_EQ(open(refused), file() + ": there is no such file");
  KeyFileStore store;
  EXPECT_EQ(open(store, IfMissing::Create), "");
  EXPECT_TRUE(store.isNew());
  EXPECT_EQ(store.text(), "");
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(KeyFileStoreTest, NeedsTheFolder) {
  EXPECT_EQ(replace(dir_.file("no/keys"), "x"),
            dir_.file("no/keys") +
                ": its folder cannot be used: No such file or directory; make it first");
  EXPECT_EQ(replace(dir_.file("no/"), "x"), dir_.file("no/") + ": is no name of a file");
}

TEST_F(KeyFileStoreTest, ReadsRegularFilesOnly) {
  ASSERT_EQ(::mkfifo(file().c_str(), 0600), 0);
  EXPECT_EQ(replace(file(), "x"), file() + ": is not a regular file");
  std::filesystem::remove(file());
  std::filesystem::create_directory(file());
  EXPECT_EQ(replace(file(), "x"), file() + ": is not a regular file");
}

TEST_F(KeyFileStoreTest, BoundsTheFile) {
  dir_.write("keys", "");
  std::filesystem::resize_file(file(), kMaxKeyFile + 1);  // sparse
  EXPECT_EQ(replace(file(), "x"), file() + ": is larger than 1 GiB");
  EXPECT_EQ(readKeyFile(file()).error, "is larger than 1 GiB");
}

TEST_F(KeyFileStoreTest, RemovesWhatAKilledEditorLeft) {
  dir_.write("keys", "old");
  dir_.write(".keys.agent-executor-new", "half");
  EXPECT_EQ(replace(file(), "new"), "");
  EXPECT_EQ(readFile(file()), "new");
  EXPECT_EQ(dir_.entries(), 2U);
}

TEST_F(KeyFileStoreTest, LeavesNothingWhenItIsNotReplaced) {
  dir_.write("keys", "old");
  {
    KeyFileStore store;
    EXPECT_EQ(open(store), "");
    EXPECT_EQ(store.prepare("new"), "");
    EXPECT_EQ(dir_.entries(), 3U);
  }
  EXPECT_EQ(dir_.entries(), 2U);
  EXPECT_EQ(readFile(file()), "old");
}

TEST_F(KeyFileStoreTest, LosesNoChangeOfAnEditorWithoutLock) {
  const std::string expected =
      file() + ": another program has changed the file in the meantime; try again";
  dir_.write("keys", "old");
  // File systems count in ticks of milliseconds: without this both writes may fall into one.
  std::filesystem::last_write_time(
      file(), std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  KeyFileStore store;
  ASSERT_EQ(open(store), "");
  ASSERT_EQ(store.prepare("new"), "");
  dir_.write("keys", "own");  // in place, of the same size
  EXPECT_EQ(store.replace(), expected);
  EXPECT_EQ(readFile(file()), "own");
}

TEST_F(KeyFileStoreTest, LosesNoFileThatIsMadeMeanwhile) {
  KeyFileStore store;
  ASSERT_EQ(open(store, IfMissing::Create), "");
  ASSERT_EQ(store.prepare("new"), "");
  dir_.write("keys", "own");
  EXPECT_NE(store.replace(), "");
  EXPECT_EQ(readFile(file()), "own");
}

TEST_F(KeyFileStoreTest, LeavesTheFileWhenTheDiskIsFull) {
  dir_.write("keys", "old");
  const test::FileSizeLimit full(1000);
  EXPECT_EQ(replace(file(), std::string(2000, 'x')),
            dir_.file(".keys.agent-executor-new") + ": cannot be written: File too large");
  EXPECT_EQ(readFile(file()), "old");
  EXPECT_EQ(dir_.entries(), 2U);
}

TEST_F(KeyFileStoreTest, NeedsAFolderThatItMayWriteTo) {
  dir_.write("keys", "old");
  ASSERT_EQ(::chmod(dir_.file("").c_str(), 0555), 0);
  {
    const test::WithoutRoot nobody;
    EXPECT_EQ(replace(file(), "new"), file() + ".lock: cannot be opened: Permission denied");
  }
  ASSERT_EQ(::chmod(dir_.file("").c_str(), 0755), 0);
  EXPECT_EQ(readFile(file()), "old");
}

TEST_F(KeyFileStoreTest, WaitsForTheLockAndNoLonger) {
  dir_.write("keys", "old");
  io::UniqueFd other;
  ASSERT_EQ(lockFile(file() + ".lock", kSoon, other), "");
  KeyFileStore refused;
  EXPECT_EQ(open(refused), file() +
                               ".lock: another program has held this lock for 60 ms; try again "
                               "when it has ended");
  std::string error = "not run";
  KeyFileStore store;
  std::thread waiting([&] { error = store.open(file(), IfMissing::Refuse, kLong); });
  dir_.write("keys", "newer");  // by who holds the lock
  other = io::UniqueFd();
  waiting.join();
  EXPECT_EQ(error, "");
  EXPECT_EQ(store.text(), "newer") << "read under the lock";
}

TEST_F(KeyFileStoreTest, HoldsTheLockUntilItGoes) {
  dir_.write("keys", "old");
  auto store = std::make_unique<KeyFileStore>();
  ASSERT_EQ(open(*store), "");
  KeyFileStore second;
  EXPECT_NE(open(second), "");
  store.reset();
  EXPECT_EQ(open(second), "");
}

TEST_F(KeyFileStoreTest, DoesNotFollowALinkInPlaceOfTheLock) {
  dir_.write("keys", "old");
  std::filesystem::create_symlink(dir_.file("elsewhere"), file() + ".lock");
  KeyFileStore store;
  EXPECT_EQ(open(store), file() + ".lock: cannot be opened: Too many levels of symbolic links");
  EXPECT_FALSE(std::filesystem::exists(dir_.file("elsewhere")));
}

}  // namespace
}  // namespace agw::cli
