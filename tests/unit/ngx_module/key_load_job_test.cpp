#include "ngx_module/key_load_job.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "key_support.h"

namespace agw {
namespace {

using test::hashOf;
using test::keyLine;
using ::testing::HasSubstr;
using Result = KeyLoadJob::Result;

// Sets the time of the last change of content; the kernel takes the time of the call as that of the
// last change of the file.
void setModified(const std::string& path, std::chrono::seconds ago) {
  timespec now{};
  ASSERT_EQ(::clock_gettime(CLOCK_REALTIME, &now), 0);
  now.tv_sec -= ago.count();
  const timespec times[] = {now, now};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0) << path;
}

class KeyLoadJobTest : public ::testing::Test {
 protected:
  // One look, as the watching worker takes it: it remembers what it saw and judged.
  Result look(bool at_expiry = false) {
    job_ = KeyLoadJob{};
    job_.path = path_.c_str();
    job_.table = table_.get();
    job_.judged = judged_;
    job_.seen = seen_;
    job_.look_at_expiry = at_expiry;
    runKeyLoadJob(job_);
    seen_ = job_.version;
    if (job_.result == Result::Loaded) table_->publish();
    if (job_.result == Result::Loaded || job_.result == Result::Refused) judged_ = job_.version;
    EXPECT_EQ(job_.result == Result::Refused, !job_.errors.empty());
    return job_.result;
  }
  std::string refusal() const { return job_.errors.empty() ? "" : job_.errors.front().message; }
  void write(const std::string& text) { folder_.write("api_keys", text); }
  // What an operator should do.
  void replace(const std::string& text) {
    const std::string other = folder_.write("api_keys.new", text);
    ASSERT_EQ(::rename(other.c_str(), path_.c_str()), 0);
  }
  void loadAlice() {
    write(keyLine("alice", 1) + "\n");
    ASSERT_EQ(look(), Result::Unsettled);
    ASSERT_EQ(look(), Result::Loaded);
    ASSERT_EQ(table_.idOf(1), "alice");
  }
  void expectAliceAlone() {
    EXPECT_EQ(table_->generation(), 1U);
    EXPECT_EQ(table_.idOf(1), "alice");
    EXPECT_EQ(table_.idOf(2), "(unknown)");
  }

  test::TempFolder folder_;
  std::string path_ = folder_.file("api_keys");
  test::OwnTable table_{100};
  KeyLoadJob job_;
  FileVersion judged_;
  FileVersion seen_;
};

TEST_F(KeyLoadJobTest, LoadsAFileThatTwoLooksFoundTheSame) {
  write(keyLine("alice", 1, "allow=*") + "\n" + keyLine("bob", 2) + "\n");
  EXPECT_EQ(look(), Result::Unsettled);
  EXPECT_EQ(table_.idOf(1), "(not loaded)");
  EXPECT_EQ(look(), Result::Loaded);
  EXPECT_EQ(job_.keys, 2U);
  EXPECT_EQ(job_.text_used, 2 * sizeof(KeyLimits) + 8);
  EXPECT_EQ(table_.idOf(2), "bob");
}

TEST_F(KeyLoadJobTest, LeavesAFileAloneThatHasNotChanged) {
  loadAlice();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(look(), Result::Unchanged);
  expectAliceAlone();
}

TEST_F(KeyLoadJobTest, WaitsWhileAFileGrows) {
  loadAlice();
  std::string text = keyLine("alice", 1) + "\n";
  for (std::uint64_t n = 2; n < 6; ++n) {
    text += keyLine("k", n) + "\n";
    write(text);
    EXPECT_EQ(look(), Result::Unsettled);
  }
  EXPECT_EQ(look(), Result::Loaded);
  EXPECT_EQ(job_.keys, 5U);
}

TEST_F(KeyLoadJobTest, ARenamedFileOfTheSameSizeAndTimeIsANewOne) {
  loadAlice();
  setModified(path_, std::chrono::seconds(100));
  ASSERT_EQ(look(), Result::Unsettled);
  ASSERT_EQ(look(), Result::Loaded);
  const std::string other = folder_.write("other", keyLine("carol", 3) + "\n");
  struct stat before {};
  ASSERT_EQ(::stat(path_.c_str(), &before), 0);
  const timespec times[] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, other.c_str(), times, 0), 0);
  ASSERT_EQ(::rename(other.c_str(), path_.c_str()), 0);
  EXPECT_EQ(look(), Result::Unsettled);
  EXPECT_EQ(look(), Result::Loaded);
  EXPECT_EQ(table_.idOf(3), "carol");
  EXPECT_EQ(table_.idOf(1), "(unknown)");
}

TEST_F(KeyLoadJobTest, AFileTruncatedToNothingIsRefusedOnce) {
  loadAlice();
  write("");
  EXPECT_EQ(look(), Result::Unsettled);
  EXPECT_EQ(look(), Result::Refused);
  EXPECT_THAT(refusal(), HasSubstr("is empty; to refuse every key, leave a comment line"));
  EXPECT_EQ(look(), Result::Unchanged);
  expectAliceAlone();
}

TEST_F(KeyLoadJobTest, ACommentAloneRefusesEveryKey) {
  loadAlice();
  replace("# nobody\n");
  EXPECT_EQ(look(), Result::Unsettled);
  EXPECT_EQ(look(), Result::Loaded);
  EXPECT_EQ(table_.idOf(1), "(unknown)");
}

TEST_F(KeyLoadJobTest, WaitsForTheEndOfALineUntilTheFileIsTwoSecondsOld) {
  loadAlice();
  write(keyLine("bob", 2) + "\n" + keyLine("carol", 3));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(look(), Result::Unsettled);
  expectAliceAlone();
  setModified(path_, std::chrono::seconds(3));
  EXPECT_EQ(look(), Result::Unsettled) << "another version";
  EXPECT_EQ(look(), Result::Loaded);
  EXPECT_EQ(table_.idOf(3), "carol");
}

TEST_F(KeyLoadJobTest, AFileFromTheFutureIsNotWaitedFor) {
  write(keyLine("alice", 1));
  setModified(path_, std::chrono::seconds(-3600));
  EXPECT_EQ(look(), Result::Unsettled);
  EXPECT_EQ(look(), Result::Loaded);
}

TEST_F(KeyLoadJobTest, ADeletedFileIsRefusedOnceAndComesBack) {
  loadAlice();
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  EXPECT_EQ(look(), Result::Unsettled);
  EXPECT_EQ(look(), Result::Refused);
  EXPECT_EQ(refusal(), "cannot be read: No such file or directory");
  EXPECT_EQ(look(), Result::Unchanged);
  expectAliceAlone();
  write(keyLine("bob", 2) + "\n");
  EXPECT_EQ(look(), Result::Unsettled);
  EXPECT_EQ(look(), Result::Loaded);
  EXPECT_EQ(table_.idOf(2), "bob");
}

TEST_F(KeyLoadJobTest, WhatIsNoReadableFileIsRefusedWithItsReason) {
  ASSERT_EQ(::symlink(path_.c_str(), path_.c_str()), 0);
  EXPECT_EQ(look(), Result::Unsettled);
  EXPECT_EQ(look(), Result::Refused);
  EXPECT_EQ(refusal(), "cannot be read: Too many levels of symbolic links");
  ASSERT_EQ(::unlink(path_.c_str()), 0);

  ASSERT_EQ(::mkdir(path_.c_str(), 0700), 0);
  EXPECT_EQ(look(), Result::Unsettled);
  EXPECT_EQ(look(), Result::Refused);
  EXPECT_EQ(refusal(), "is not a regular file");
  ASSERT_EQ(::rmdir(path_.c_str()), 0);

  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);  // opening it must not wait for a writer
  EXPECT_EQ(look(), Result::Unsettled);
  EXPECT_EQ(look(), Result::Refused);
  EXPECT_EQ(refusal(), "is not a regular file");
}

TEST_F(KeyLoadJobTest, AFileThatIsTooLargeIsRefusedUnread) {
  write("#");
  ASSERT_EQ(::truncate(path_.c_str(), static_cast<off_t>(kMaxKeyFile) + 1), 0);  // sparse
  EXPECT_EQ(look(), Result::Unsettled);
  EXPECT_EQ(look(), Result::Refused);
  EXPECT_EQ(refusal(), "is larger than 1073741824 bytes");
}

TEST_F(KeyLoadJobTest, ABadLineRefusesTheWholeFileAndKeepsTheOldKeys) {
  loadAlice();
  replace(keyLine("bob", 2) + "\nbad line\n" + keyLine("carol", 3, "burst=0") + "\n");
  EXPECT_EQ(look(), Result::Unsettled);
  EXPECT_EQ(look(), Result::Refused);
  ASSERT_EQ(job_.errors.size(), 2U);
  EXPECT_EQ(job_.errors[0].line, 2U);
  EXPECT_EQ(job_.errors[1].line, 3U);
  EXPECT_EQ(look(), Result::Unchanged) << "reported once";
  expectAliceAlone();
}

TEST_F(KeyLoadJobTest, LooksAtTheExpiryOfTheLiveKeysWhenAsked) {
  write(keyLine("old", 1, "expires=2020-01-01T00:00:00Z") + "\n" + keyLine("new", 2) + "\n");
  ASSERT_EQ(look(), Result::Unsettled);
  EXPECT_EQ(look(true), Result::Loaded);
  EXPECT_FALSE(job_.has_expiry) << "the new half is not live yet";
  EXPECT_EQ(look(), Result::Unchanged);
  EXPECT_FALSE(job_.has_expiry);
  EXPECT_EQ(look(true), Result::Unchanged);
  EXPECT_TRUE(job_.has_expiry);
  EXPECT_EQ(job_.expiry.expired, 1U);
  EXPECT_EQ(job_.expiry.expiring, 0U);
}

TEST_F(KeyLoadJobTest, TheVersionReadIsThatOfTheContent) {
  write("one\n");
  const FileVersion before = versionOf(path_.c_str());
  std::string text;
  std::string error;
  FileVersion read;
  ASSERT_TRUE(readWholeFile(path_.c_str(), 100, text, read, error)) << error;
  EXPECT_EQ(read, before);
  replace("two\n");
  ASSERT_TRUE(readWholeFile(path_.c_str(), 100, text, read, error)) << error;
  EXPECT_EQ(text, "two\n");
  EXPECT_FALSE(read == before);
  EXPECT_EQ(read, versionOf(path_.c_str()));
  EXPECT_FALSE(readWholeFile(path_.c_str(), 3, text, read, error));
  EXPECT_EQ(error, "is larger than 3 bytes");
}

// The file is replaced at every moment, also between the look and the reading: what is loaded is
// always the version that is then taken for judged.
TEST_F(KeyLoadJobTest, AFileReplacedMeanwhileIsNeverTakenForTheOther) {
  const std::string names[] = {folder_.write("one", keyLine("one", 1) + "\n"),
                               folder_.write("two", keyLine("two", 2) + "\n")};
  const std::uint64_t inodes[] = {versionOf(names[0].c_str()).inode,
                                  versionOf(names[1].c_str()).inode};
  const std::string link = folder_.file("link");
  ASSERT_EQ(::symlink("one", path_.c_str()), 0);
  std::atomic<bool> is_over{false};
  std::atomic<int> failures{0};
  std::thread replacer([&] {
    for (int i = 0; !is_over.load(); ++i) {
      const bool is_done = ::symlink(i % 2 == 0 ? "two" : "one", link.c_str()) == 0 &&
                           ::rename(link.c_str(), path_.c_str()) == 0;
      failures += is_done ? 0 : 1;
    }
  });
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  int loaded = 0;
  int unsettled = 0;
  while (std::chrono::steady_clock::now() < end) {
    judged_ = {};
    const Result result = look();
    unsettled += result == Result::Unsettled ? 1 : 0;
    if (result != Result::Loaded) continue;
    ++loaded;
    const bool is_one = table_.idOf(1) == "one";
    EXPECT_NE(is_one, table_.idOf(2) == "two");
    EXPECT_EQ(job_.version.inode, inodes[is_one ? 0 : 1]);
  }
  is_over = true;
  replacer.join();
  EXPECT_EQ(failures, 0);
  EXPECT_GT(loaded, 0);
  EXPECT_GT(unsettled, 0);
}

}  // namespace
}  // namespace agw
