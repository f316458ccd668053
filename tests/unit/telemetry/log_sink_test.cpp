#include "telemetry/log_sink.h"

#include <gtest/gtest.h>
#include <spdlog/details/log_msg.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

namespace agw::telemetry {
namespace {

class GatheringSink : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "sink_test.XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    sink_ = std::make_unique<LogSink>(path());
    sink_->setQueue([this] { return waiting_; }, [] { return 0; });
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return (folder_ / "x.log").string(); }
  std::string written() const {
    std::stringstream text;
    text << std::ifstream(path()).rdbuf();
    return text.str();
  }
  void log(std::string_view line, std::size_t waiting) {
    waiting_ = waiting;
    sink_->log(spdlog::details::log_msg("agw", spdlog::level::info, {line.data(), line.size()}));
  }

  std::filesystem::path folder_;
  std::unique_ptr<LogSink> sink_;
  std::size_t waiting_ = 0;
};

TEST_F(GatheringSink, WritesALineAtOnceWhenNoneIsWaiting) {
  log("one", 0);
  EXPECT_EQ(written(), "one\n");
}

TEST_F(GatheringSink, WritesLinesTogetherWhileMoreAreWaiting) {
  log("one", 2);
  log("two", 1);
  EXPECT_EQ(written(), "");
  log("three", 0);
  EXPECT_EQ(written(), "one\ntwo\nthree\n");
}

TEST_F(GatheringSink, GathersNoMoreThanABoundedAmount) {
  const std::string line(10'000, 'x');
  for (int i = 0; i < 6; ++i) log(line, 1000);
  EXPECT_EQ(written(), "");
  log(line, 1000);
  EXPECT_EQ(written().size(), 7 * (line.size() + 1));
}

TEST_F(GatheringSink, AFlushWritesWhatWasGathered) {
  log("one", 1);  // what waits is the flush
  sink_->flush();
  EXPECT_EQ(written(), "one\n");
  EXPECT_EQ(sink_->flushes(), 1U);
}

TEST_F(GatheringSink, TheEndWritesWhatWasGathered) {
  log("one", 1);  // what waits is the end of the queue
  sink_.reset();
  EXPECT_EQ(written(), "one\n");
}

}  // namespace
}  // namespace agw::telemetry
