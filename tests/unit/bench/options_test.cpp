#include "bench/load/options.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent_load {
namespace {

using testing::HasSubstr;

class LoadOptions : public testing::Test {
 protected:
  void SetUp() override { std::ofstream(file_) << R"({"id":"{{id}}"})"; }
  void TearDown() override { std::filesystem::remove(file_); }

  // A good command line of that mode with `more` behind it.
  Options parse(const std::string& mode, const std::vector<std::string>& more) {
    return std::get<Options>(parseWords(words(mode, more)));
  }
  std::string problemOf(const std::vector<std::string>& all) {
    try {
      parseWords(all);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  }
  std::vector<std::string> words(const std::string& mode, std::vector<std::string> more) {
    std::vector<std::string> all = {"agent_load",           mode,          "--url",
                                    "http://127.0.0.1:9/x", "--body-file", file_};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  static std::variant<Options, HelpText> parseWords(const std::vector<std::string>& all) {
    std::vector<const char*> pointers;
    for (const std::string& word : all) pointers.push_back(word.c_str());
    return parseOptions(static_cast<int>(pointers.size()), pointers.data());
  }

  const std::string file_ = std::filesystem::temp_directory_path() /
                            ("agent_load_options_" + std::to_string(::getpid()) + ".json");
};

TEST_F(LoadOptions, ReadsTheBodyFileAndTheHeaders) {
  const Options options =
      parse("requests", {"--connections", "4", "--requests", "100", "--warmup", "10", "--header",
                         "Authorization: Bearer k", "--header", "X-Empty:"});
  EXPECT_EQ(options.mode, Mode::Requests);
  EXPECT_EQ(options.url.port, 9);
  EXPECT_EQ(options.body, R"({"id":"{{id}}"})");
  ASSERT_EQ(options.headers.size(), 2u);
  EXPECT_EQ(options.headers[0].first, "Authorization");
  EXPECT_EQ(options.headers[0].second, "Bearer k");
  EXPECT_EQ(options.headers[1].second, "");
  EXPECT_EQ(options.connections, 4u);
  EXPECT_EQ(options.requests, 100u);
  EXPECT_EQ(options.warmup, 10u);
  EXPECT_EQ(options.rate, 0);
  EXPECT_EQ(options.each_file, std::nullopt);
  EXPECT_EQ(options.timeout, std::chrono::seconds(120));
}

TEST_F(LoadOptions, EachModeHasItsOwn) {
  const Options streams = parse("streams", {"--connections", "2", "--requests", "3", "--stagger-ms",
                                            "50", "--timeout", "1.5"});
  EXPECT_EQ(streams.mode, Mode::Streams);
  EXPECT_EQ(streams.stagger, std::chrono::milliseconds(50));
  EXPECT_EQ(streams.timeout, std::chrono::milliseconds(1500));

  const Options hold =
      parse("hold", {"--connections", "8000", "--open-rate", "500", "--source-addresses", "4"});
  EXPECT_EQ(hold.mode, Mode::Hold);
  EXPECT_EQ(hold.open_rate, 500);
  EXPECT_EQ(hold.source_addresses, 4u);

  const Options abort = parse(
      "abort", {"--count", "9", "--connections", "3", "--phase", "event", "--after-ms", "20"});
  EXPECT_EQ(abort.mode, Mode::Abort);
  EXPECT_EQ(abort.count, 9u);
  EXPECT_EQ(abort.phase, AbortPhase::Event);
  EXPECT_EQ(abort.after, std::chrono::milliseconds(20));
}

TEST_F(LoadOptions, AFileForEachRequestHasItsBound) {
  const std::vector<std::string> few = {"--connections", "1",      "--requests",
                                        "1000000",       "--each", "f"};
  EXPECT_EQ(parse("requests", few).each_file, "f");
  EXPECT_THAT(
      problemOf(words("requests", {"--connections", "1", "--requests", "1000001", "--each", "f"})),
      HasSubstr("no more than 1000000 --requests"));
  EXPECT_NE(problemOf(words("streams", few)), "");
}

TEST_F(LoadOptions, AnOptionOfAnotherModeIsRefused) {
  EXPECT_NE(problemOf(words("hold", {"--connections", "1", "--requests", "1"})), "");
  EXPECT_NE(problemOf(words("streams", {"--connections", "1", "--requests", "1", "--rate", "5"})),
            "");
}

TEST_F(LoadOptions, WhatIsMissingIsNamed) {
  EXPECT_NE(problemOf({"agent_load"}), "");
  EXPECT_THAT(problemOf(words("requests", {"--connections", "1"})), HasSubstr("--requests"));
  EXPECT_THAT(problemOf({"agent_load", "hold", "--connections", "1", "--body-file", file_}),
              HasSubstr("--url"));
}

TEST_F(LoadOptions, ABadValueIsRefused) {
  const std::vector<std::vector<std::string>> bad = {{"--connections", "0"},
                                                     {"--connections", "60001"},
                                                     {"--connections", "-1"},
                                                     {"--connections", "many"},
                                                     {"--timeout", "0"},
                                                     {"--timeout", "nan"},
                                                     {"--source-addresses", "255"},
                                                     {"--open-rate", "nan"},
                                                     {"--expect-status", "99"},
                                                     {"--ca", file_}};
  for (const auto& words_behind : bad) {
    auto more = words_behind;
    if (more[0] != "--connections") more.insert(more.end(), {"--connections", "1"});
    EXPECT_NE(problemOf(words("hold", more)), "") << words_behind[0] << ' ' << words_behind[1];
  }
  EXPECT_THAT(problemOf(words("abort", {"--count", "1", "--connections", "1", "--after-ms", "1",
                                        "--phase", "later"})),
              HasSubstr("--phase"));
}

TEST_F(LoadOptions, ABadHeaderIsRefusedWithoutShowingItsValue) {
  for (const char* header : {"no colon, secret-value", ": secret-value", "A B: secret-value",
                             "Content-Length: 1", "connection: close", "X: secret-value\nY: z"}) {
    const std::string problem =
        problemOf(words("hold", {"--connections", "1", "--header", header}));
    EXPECT_THAT(problem, HasSubstr("--header")) << header;
    EXPECT_THAT(problem, testing::Not(HasSubstr("secret-value")));
  }
}

TEST_F(LoadOptions, ABodyFileThatIsNotThereIsNamed) {
  EXPECT_THAT(problemOf({"agent_load", "hold", "--url", "http://h/", "--connections", "1",
                         "--body-file", "/nowhere/body.json"}),
              HasSubstr("/nowhere/body.json"));
}

TEST_F(LoadOptions, HelpIsAText) {
  EXPECT_THAT(std::get<HelpText>(parseWords({"agent_load", "--help"})).text, HasSubstr("streams"));
  EXPECT_THAT(std::get<HelpText>(parseWords({"agent_load", "abort", "--help"})).text,
              HasSubstr("--after-ms"));
}

}  // namespace
}  // namespace agent_load
