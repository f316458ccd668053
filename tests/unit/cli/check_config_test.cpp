#include "cli/check_config.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "cli/serve.h"

namespace agw::cli {
namespace {

const std::string kData = std::string(AGW_SOURCE_DIR) + "/tests/unit/config/data/";

TEST(CheckConfig, SummarisesAGoodFile) {
  std::ostringstream out, err;
  const std::string file = kData + "s1_example.yaml";
  EXPECT_EQ(checkConfig(file, CheckOutput::Summary, out, err), 0);
  EXPECT_EQ(out.str(),
            file +
                ": ok, 2 agents (1 with status error), 1 upstream with 0 plain models, 1 MCP "
                "server, 1 tool\n"
                "warning: " +
                file +
                ":26:5: agents[1]: kind sdk needs a worker, which this build does not "
                "have\n");
  EXPECT_EQ(err.str(), "");
}

TEST(CheckConfig, ListsEveryProblem) {
  std::ostringstream out, err;
  const std::string file = kData + "two_problems.yaml";
  EXPECT_EQ(checkConfig(file, CheckOutput::Summary, out, err), 1);
  EXPECT_EQ(err.str(),
            file + ":2:12: server.threads: \"lots\" is not a whole number; write 0 to 256\n" +
                file +
                ":4:5: agents[0].module: missing (kind sdk needs it); write module: "
                "pkg.mod:callable\n" +
                file + ": 2 problems\n");
  EXPECT_EQ(out.str(), "");
}

TEST(CheckConfig, SaysWhenThereIsNoFile) {
  std::ostringstream out, err;
  EXPECT_EQ(checkConfig("/nonexistent.yaml", CheckOutput::Summary, out, err), 1);
  EXPECT_EQ(err.str(),
            "/nonexistent.yaml: the file cannot be opened: No such file or directory\n"
            "/nonexistent.yaml: 1 problem\n");
}

TEST(CheckConfig, PrintsSettingsAloneOnStandardOutput) {
  std::ostringstream out, err;
  const std::string file = kData + "s1_example.yaml";
  EXPECT_EQ(checkConfig(file, CheckOutput::Settings, out, err), 0);
  EXPECT_TRUE(out.str().starts_with("version: 1\nserver:\n  listen: ")) << out.str();
  EXPECT_NE(out.str().find("    api_key: \"***\"\n"), std::string::npos);
  EXPECT_EQ(out.str().find("not-needed"), std::string::npos);
  EXPECT_EQ(err.str(), "warning: " + file +
                           ":26:5: agents[1]: kind sdk needs a worker, which this build does not "
                           "have\n");
}

TEST(CheckConfig, PrintsNoSettingsOfABrokenFile) {
  std::ostringstream out, err, summary_out, summary_err;
  const std::string file = kData + "two_problems.yaml";
  EXPECT_EQ(checkConfig(file, CheckOutput::Settings, out, err), 1);
  EXPECT_EQ(out.str(), "");
  checkConfig(file, CheckOutput::Summary, summary_out, summary_err);
  EXPECT_EQ(err.str(), summary_err.str());
}

TEST(CheckConfig, SaysTheSameAsServe) {
  for (const char* name : {"two_problems", "broken/include_circle", "broken/duplicate_key",
                           "broken/missing_variable", "broken/nul_byte"}) {
    const std::string file = kData + name + ".yaml";
    std::ostringstream out, check_err, serve_err;
    EXPECT_EQ(checkConfig(file, CheckOutput::Summary, out, check_err), 1);
    ServeInput input;
    EXPECT_FALSE(prepareServe({file, "", 0}, input, serve_err));
    EXPECT_EQ(serve_err.str(), check_err.str());
    EXPECT_NE(check_err.str(), "");
  }
}

}  // namespace
}  // namespace agw::cli
