#include "config/watcher.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <fstream>
#include <string>

namespace agw::config {
namespace {

namespace net = boost::asio;
namespace fs = std::filesystem;

constexpr WatchTimes kQuick{Millis(30), Millis(200), Millis(100)};
constexpr Millis kDeadline{10'000};
// Several times what a change takes to be told, looks included.
constexpr Millis kSilence{400};

class WatcherTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "watcher-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    write("config.yaml", "one");
  }
  void TearDown() override {
    if (watcher_) watcher_->stop();
    context_.restart();
    context_.poll();
    fs::remove_all(folder_);
  }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
  }
  void watch(const std::vector<std::string>& names, WatchTimes times = kQuick) {
    watcher_ = makeWatcher(context_, times, [this] { ++told_; });
    watcher_->watch(seen(names));
  }
  std::vector<SeenFile> seen(const std::vector<std::string>& names) const {
    std::vector<SeenFile> files;
    for (const std::string& name : names) files.push_back({path(name), stateOf(path(name))});
    return files;
  }
  // Runs until it was told `count` times in all, or the deadline.
  bool isTold(int count) {
    const auto end = std::chrono::steady_clock::now() + kDeadline;
    context_.restart();
    while (told_ < count && std::chrono::steady_clock::now() < end) context_.run_one_for(kDeadline);
    return told_ >= count;
  }
  void runFor(Millis time) {
    context_.restart();
    context_.run_for(time);
  }

  std::string folder_;
  net::io_context context_;
  std::unique_ptr<Watcher> watcher_;
  int told_ = 0;
};

TEST_F(WatcherTest, TellsOfAFileWrittenInPlace) {
  watch({"config.yaml"});
  write("config.yaml", "two");
  EXPECT_TRUE(isTold(1));
  write("config.yaml", "three");
  EXPECT_TRUE(isTold(2));
}

TEST_F(WatcherTest, TellsOfAFileRenamedOverIt) {
  watch({"config.yaml"});
  for (int i = 1; i <= 3; ++i) {
    write("config.yaml.tmp", "new " + std::to_string(i));
    fs::rename(path("config.yaml.tmp"), path("config.yaml"));
    EXPECT_TRUE(isTold(i));
  }
}

TEST_F(WatcherTest, TellsOfAFileThatGoesAndComesBack) {
  watch({"config.yaml"});
  fs::remove(path("config.yaml"));
  EXPECT_TRUE(isTold(1));
  write("config.yaml", "again");
  EXPECT_TRUE(isTold(2));
}

TEST_F(WatcherTest, TellsOfALinkThatIsTurned) {
  write("a.yaml", "a");
  write("b.yaml", "b");
  fs::create_symlink("a.yaml", path("link.yaml"));
  watch({"link.yaml"});
  fs::create_symlink("b.yaml", path("link.new"));
  fs::rename(path("link.new"), path("link.yaml"));
  EXPECT_TRUE(isTold(1));
  write("b.yaml", "b, changed");
  EXPECT_TRUE(isTold(2)) << "what it leads to now";
}

// As container platforms mount configurations: config.yaml -> ..data/config.yaml, ..data -> a
// folder.
TEST_F(WatcherTest, TellsOfAFolderLinkThatIsTurned) {
  fs::create_directory(path("one"));
  fs::create_directory(path("two"));
  write("one/gateway.yaml", "1");
  write("two/gateway.yaml", "2");
  fs::create_directory_symlink("one", path("..data"));
  fs::create_symlink("..data/gateway.yaml", path("gateway.yaml"));
  watch({"gateway.yaml"}, {Millis(30), Millis(200), Millis(3'600'000)});
  fs::create_directory_symlink("two", path("..data.new"));
  fs::rename(path("..data.new"), path("..data"));
  EXPECT_TRUE(isTold(1));
}

TEST_F(WatcherTest, TellsOnceOfABurst) {
  watch({"config.yaml"}, {Millis(200), Millis(2'000), Millis(3'600'000)});
  for (int i = 0; i < 10; ++i) {
    write("config.yaml", "burst " + std::to_string(i));
    runFor(Millis(10));
  }
  EXPECT_TRUE(isTold(1));
  runFor(kSilence);
  EXPECT_EQ(told_, 1);
}

TEST_F(WatcherTest, DoesNotWaitForEverForABurstToEnd) {
  watch({"config.yaml"}, {Millis(300), Millis(600), Millis(3'600'000)});
  const auto end = std::chrono::steady_clock::now() + kDeadline;
  for (int i = 0; told_ == 0 && std::chrono::steady_clock::now() < end; ++i) {
    write("config.yaml", "burst " + std::to_string(i));
    runFor(Millis(20));
  }
  EXPECT_GE(told_, 1) << "while it still changes";
}

TEST_F(WatcherTest, SaysNothingOfOtherFilesAndOfFilesThatStayAsTheyAre) {
  watch({"config.yaml"});
  write("config.yaml.swp", "an editor's own");
  fs::remove(path("config.yaml.swp"));
  fs::rename(path("config.yaml"), path("moved"));
  fs::rename(path("moved"), path("config.yaml"));
  runFor(kSilence);
  // A rename changes a file's ctime: at most that is told.
  EXPECT_LE(told_, 1);
}

TEST_F(WatcherTest, FindsFilesAndFoldersThatDidNotExist) {
  watch({"later/extra.yaml", "config.yaml"});
  fs::create_directory(path("later"));
  write("later/extra.yaml", "here");
  EXPECT_TRUE(isTold(1));
}

TEST_F(WatcherTest, TellsOfAChangeBetweenReadingAndWatching) {
  const std::vector<SeenFile> read = seen({"config.yaml"});
  write("config.yaml", "written while nobody watched");
  watcher_ =
      makeWatcher(context_, {Millis(30), Millis(200), Millis(3'600'000)}, [this] { ++told_; });
  watcher_->watch(read);
  EXPECT_TRUE(isTold(1));
}

TEST_F(WatcherTest, TellsOfAChangeWithinOneTickOfTheClock) {
  watch({"config.yaml"}, {Millis(30), Millis(200), Millis(3'600'000)});
  std::vector<SeenFile> read = seen({"config.yaml"});
  write("config.yaml", "two");
  // As if the clock had not moved: the same times, the same size.
  read[0].state = stateOf(path("config.yaml"));
  read[0].state.taken_ns = read[0].state.changed_ns;
  watcher_->watch(read);
  EXPECT_TRUE(isTold(1)) << "of the sign";
}

TEST_F(WatcherTest, CanBeSwitchedOffAndOnAgain) {
  watch({"config.yaml"});
  watcher_->watch({});
  write("config.yaml", "nobody cares");
  runFor(kSilence);
  EXPECT_EQ(told_, 0);
  watcher_->watch(seen({"config.yaml"}));
  watcher_->setTimes({Millis(10), Millis(100), Millis(50)});
  write("config.yaml", "now");
  EXPECT_TRUE(isTold(1));
}

}  // namespace
}  // namespace agw::config
