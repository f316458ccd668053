#include "cli/check_config.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

namespace agw::cli {
namespace {

const std::string kData = std::string(AGW_SOURCE_DIR) + "/tests/unit/config/data/";

TEST(CheckConfig, SummarisesAGoodFile) {
  std::ostringstream out, err;
  const std::string file = kData + "s1_example.yaml";
  EXPECT_EQ(checkConfig(file, out, err), 0);
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
  EXPECT_EQ(checkConfig(file, out, err), 1);
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
  EXPECT_EQ(checkConfig("/nonexistent.yaml", out, err), 1);
  EXPECT_EQ(err.str(),
            "/nonexistent.yaml: the file cannot be opened: No such file or directory\n"
            "/nonexistent.yaml: 1 problem\n");
}

}  // namespace
}  // namespace agw::cli
