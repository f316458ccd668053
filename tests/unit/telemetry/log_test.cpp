#include "telemetry/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "telemetry/log_sink.h"

namespace agw::telemetry {
namespace {

using namespace std::string_literals;

class LogFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "log_test.XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    path_ = folder_ / "x.log";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::vector<std::string> lines() const {
    std::vector<std::string> all;
    std::ifstream file(path_);
    for (std::string line; std::getline(file, line);) all.push_back(line);
    return all;
  }

  std::filesystem::path folder_;
  std::filesystem::path path_;
};

TEST(FormatLogLine, WritesOneJsonObjectInFieldOrder) {
  EXPECT_EQ(
      formatLogLine("2026-01-31T12:00:00.123Z", Level::Info, "request",
                    {{"request_id", "r-1"},
                     {"status", 200},
                     {"bytes", std::size_t{5}},
                     {"seconds", 0.25},
                     {"stream", true},
                     {"offset", std::int64_t{-3}}}),
      R"({"ts":"2026-01-31T12:00:00.123Z","level":"info","event":"request",)"
      R"("request_id":"r-1","status":200,"bytes":5,"seconds":0.25,"stream":true,"offset":-3})");
}

TEST(FormatLogLine, EscapesTextSoThatALineStaysALine) {
  EXPECT_EQ(formatLogLine("t", Level::Error, "x", {{"m", "a\"b\\\n\0\xff"s}}),
            "{\"ts\":\"t\",\"level\":\"error\",\"event\":\"x\","
            "\"m\":\"a\\\"b\\\\\\n\\u0000\xEF\xBF\xBD\"}");
}

TEST(FormatLogLine, WritesNullForNumbersThatJsonDoesNotHave) {
  EXPECT_EQ(formatLogLine("t", Level::Debug, "x",
                          {{"a", std::numeric_limits<double>::infinity()},
                           {"b", std::numeric_limits<double>::quiet_NaN()}}),
            R"({"ts":"t","level":"debug","event":"x","a":null,"b":null})");
}

TEST(FormatLogLine, CutsLongTextAtACharacterBorder) {
  std::string text(4095, 'a');
  text += "é" + std::string(5000, 'b');
  const std::string line = formatLogLine("t", Level::Warn, "x", {{"m", text}});
  EXPECT_LT(line.size(), 4300U);
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json.at("m"), std::string(4095, 'a') + "…(9097 bytes)");
  EXPECT_EQ(json.at("level"), "warn");
}

TEST(FormatTimestamp, IsUtcWithMilliseconds) {
  using std::chrono::milliseconds;
  using std::chrono::system_clock;
  EXPECT_EQ(formatTimestamp(system_clock::time_point(milliseconds(1769860800007))),
            "2026-01-31T12:00:00.007Z");
  EXPECT_EQ(formatTimestamp(system_clock::time_point(milliseconds(0))), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(formatTimestamp(system_clock::time_point(milliseconds(951868799999))),
            "2000-02-29T23:59:59.999Z");
}

TEST_F(LogFile, HoldsEveryLineOnceFlushed) {
  const auto log = makeLog(path_.string(), Level::Info);
  log->write(Level::Debug, "hidden", {});
  for (int i = 0; i < 1000; ++i) log->write(Level::Info, "request", {{"i", i}});
  log->flush();
  const auto written = lines();
  ASSERT_EQ(written.size(), 1000U);
  for (int i = 0; i < 1000; ++i) {
    const auto json = nlohmann::json::parse(written[static_cast<std::size_t>(i)]);
    EXPECT_EQ(json.at("event"), "request");
    EXPECT_EQ(json.at("i"), i);
    const std::string ts = json.at("ts");
    EXPECT_EQ(ts.size(), 24U);
    EXPECT_EQ(ts.back(), 'Z');
  }
}

TEST_F(LogFile, HoldsEveryLineOnceTheLogIsGone) {
  makeLog(path_.string(), Level::Debug)->write(Level::Debug, "last_words", {});
  ASSERT_EQ(lines().size(), 1U);
  EXPECT_NE(lines()[0].find("last_words"), std::string::npos);
}

TEST_F(LogFile, IsAppendedTo) {
  makeLog(path_.string(), Level::Info)->write(Level::Info, "one", {});
  makeLog(path_.string(), Level::Info)->write(Level::Info, "two", {});
  EXPECT_EQ(lines().size(), 2U);
}

TEST_F(LogFile, TakesLinesFromManyThreads) {
  const auto log = makeLog(path_.string(), Level::Info);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&log, t] {
      for (int i = 0; i < 500; ++i) log->write(Level::Info, "line", {{"thread", t}, {"i", i}});
      log->flush();
    });
  }
  for (auto& thread : threads) thread.join();
  const auto written = lines();
  EXPECT_EQ(written.size(), 2000U);
  for (const auto& line : written) EXPECT_TRUE(nlohmann::json::accept(line)) << line;
}

TEST_F(LogFile, ThrowsWhenItCannotBeOpened) {
  try {
    makeLog((folder_ / "missing" / "x.log").string(), Level::Info);
    FAIL() << "opened";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("missing/x.log"), std::string::npos);
  }
}

TEST_F(LogFile, DropsLinesRatherThanBlockWhenNobodyReads) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  const int reader = open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  const auto started = std::chrono::steady_clock::now();
  {
    const auto log = makeLog(path_.string(), Level::Info);
    const std::string text(200, 'x');
    for (int i = 0; i < 20000; ++i) log->write(Level::Info, "line", {{"i", i}, {"text", text}});

    // The reader comes back: lines flow again and one of them says how many are missing.
    std::string got;
    std::vector<char> buffer(1 << 16);
    bool reported = false;
    const auto until = started + std::chrono::seconds(20);
    while (!reported && std::chrono::steady_clock::now() < until) {
      const ssize_t size = read(reader, buffer.data(), buffer.size());
      if (size > 0) got.append(buffer.data(), static_cast<std::size_t>(size));
      log->flush();
      const auto at = got.find("log_lines_dropped");
      reported = at != std::string::npos && got.find("\"count\":", at) != std::string::npos;
    }
    EXPECT_TRUE(reported);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(30));
  close(reader);
}

}  // namespace
}  // namespace agw::telemetry
