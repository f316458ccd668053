#include "config/dotenv.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>

#include "config_folder.h"

namespace agw::config {
namespace {

using Map = std::map<std::string, std::string>;

// The variables of a good file.
Map good(const std::string& text) {
  Problems problems(".env");
  Map variables = parseDotenv(text, 0, problems);
  EXPECT_EQ(lines(problems.takeProblems()), "") << text;
  return variables;
}

TEST(ParseDotenv, ReadsBareValues) {
  EXPECT_EQ(
      good("A=one\nB = two three \t\n\n# C=no\n  # nor this\nexport D=4\nE=\nF=a=b\nG=a#b\n"),
      (Map{{"A", "one"}, {"B", "two three"}, {"D", "4"}, {"E", ""}, {"F", "a=b"}, {"G", "a#b"}}));
}

TEST(ParseDotenv, EndsBareValuesAtAComment) {
  EXPECT_EQ(good("A=one # two\nB=one\t# two\nC= # two\nD=#two\n"),
            (Map{{"A", "one"}, {"B", "one"}, {"C", ""}, {"D", ""}}));
}

TEST(ParseDotenv, ReadsQuotes) {
  EXPECT_EQ(good(R"(A='one # "two" \n'
B="one # 'two' \n \t \r \\ \" \$"  # three
C=''
D=""
E='x' #
)"),
            (Map{{"A", R"(one # "two" \n)"},
                 {"B", "one # 'two' \n \t \r \\ \" $"},
                 {"C", ""},
                 {"D", ""},
                 {"E", "x"}}));
}

TEST(ParseDotenv, FillsNothingIn) { EXPECT_EQ(good("A=${B}$B\n"), (Map{{"A", "${B}$B"}})); }

TEST(ParseDotenv, ReadsLinesThatEndInAnyWay) {
  EXPECT_EQ(good("\xEF\xBB\xBF"
                 "A=1\r\nB='2'\r\nC=3"),
            (Map{{"A", "1"}, {"B", "2"}, {"C", "3"}}));
  EXPECT_EQ(good(""), Map{});
  EXPECT_EQ(good("\n\n"), Map{});
  EXPECT_EQ(good("A=Müller\n"), (Map{{"A", "Müller"}}));
}

TEST(ParseDotenv, AnswersABadLineWithItsNumberAlone) {
  const std::string not_a_variable = "not a variable; write NAME=value, or # before a comment\n";
  const std::string open = "quotes that the line does not close; a value is one line\n";
  const std::string behind = "text behind the closing quotes; remove it, or write # before it\n";
  const std::string bytes =
      "a control character, or a byte that is not UTF-8; save the file as UTF-8 text\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"hunter2", not_a_variable},
      {"1A=hunter2", not_a_variable},
      {"A B=hunter2", not_a_variable},
      {"=hunter2", not_a_variable},
      {"export hunter2", not_a_variable},
      {"A: hunter2", not_a_variable},
      {"A='hunter2", open},
      {"A=\"hunter2", open},
      {"A=\"hunter2\\", open},
      {"A=\"hunter2\\\"", open},
      {"A='hunter2' hunter3", behind},
      {"A=\"hunter2\"hunter3", behind},
      {"A=\"\\hunter2\"", "an unknown escape; use single quotes, or write \\\\ for a backslash\n"},
      {std::string("A=hunter2\0x", 11), bytes},
      {"A=hunter2\xFF", bytes},
      {"GOOD=hunter2", "the variable stands twice (first on line 1); remove one\n"},
  };
  for (const auto& [line, message] : cases) {
    Problems problems(".env");
    const Map variables = parseDotenv("GOOD=1\n" + line + "\nALSO=2\n", 0, problems);
    EXPECT_EQ(lines(problems.takeProblems()), ".env:2:1: " + message) << line;
    EXPECT_EQ(variables, (Map{{"GOOD", "1"}, {"ALSO", "2"}})) << line;
  }
}

using DotenvFile = ConfigFolder;

constexpr const char* kConfig =
    "upstreams: {up: {base_url: \"http://127.0.0.1:1/v1\", api_key: \"${KEY}\", models: [m]}}\n";

TEST_F(DotenvFile, StandsInForVariablesThatAreNotSet) {
  write("gateway.yaml", kConfig);
  write(".env", "KEY=of-the-file\nAGENT_GATEWAY_THREADS=3\n");
  const LoadResult result = load("gateway.yaml");
  ASSERT_EQ(lines(result.problems), "");
  EXPECT_EQ(result.settings.upstreams.at("up").api_key, "of-the-file");
  EXPECT_EQ(result.settings.server.threads, 3U);
}

TEST_F(DotenvFile, YieldsToTheEnvironment) {
  write("gateway.yaml", kConfig);
  write(".env", "KEY=of-the-file\n");
  EXPECT_EQ(load("gateway.yaml", {{"KEY", "k"}}).settings.upstreams.at("up").api_key, "k");
  EXPECT_EQ(load("gateway.yaml", {{"KEY", ""}}).settings.upstreams.at("up").api_key, "");
}

TEST_F(DotenvFile, IsReportedByItsName) {
  write("gateway.yaml", kConfig);
  write(".env", "KEY=hunter2\nhunter2\n");
  EXPECT_EQ(problemsOf("gateway.yaml"),
            ".env:2:1: not a variable; write NAME=value, or # before a comment\n");
  std::filesystem::remove(folder_ / ".env");
  std::filesystem::create_directory(folder_ / ".env");
  EXPECT_EQ(problemsOf("gateway.yaml", {{"KEY", "k"}}), ".env: the file is not a regular file\n");
}

TEST_F(DotenvFile, MayBeMissing) {
  write("gateway.yaml", kConfig);
  const LoadResult result = load("gateway.yaml", {{"KEY", "k"}});
  EXPECT_EQ(lines(result.problems), "");
  EXPECT_EQ(result.files.at(1).path, (folder_ / ".env").string());
}

}  // namespace
}  // namespace agw::config
