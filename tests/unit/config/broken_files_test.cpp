// Broken files, each with the lines that it must be answered with: data/broken/NAME.yaml and
// NAME.expected. Wherever one holds a secret, that is a text with "hunter2" in it.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "config_folder.h"

namespace agw::config {
namespace {

namespace fs = std::filesystem;

const fs::path kBroken = fs::path(AGW_SOURCE_DIR) / "tests/unit/config/data/broken";
constexpr const char* kSecret = "hunter2";

Environment plantedEnvironment() {
  return environmentOf(
      {{"PLANTED", "hunter2-planted"}, {"PLANTED_LINES", "hunter2\nhunter3"}, {"EMPTY", ""}});
}

std::string contentOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> namesWith(const std::string& extension) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(kBroken)) {
    if (entry.path().extension() == extension) names.push_back(entry.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class BrokenFileOnDisk : public ::testing::TestWithParam<std::string> {};

TEST_P(BrokenFileOnDisk, IsAnsweredWithItsLines) {
  const fs::path file = kBroken / (GetParam() + ".yaml");
  const LoadResult result = loadSettings(file, plantedEnvironment());
  std::string said = lines(result.problems);
  const std::string all = said + lines(result.warnings);
  const std::string folder = kBroken.string() + '/';
  for (std::size_t at = said.find(folder); at != std::string::npos; at = said.find(folder)) {
    said.erase(at, folder.size());
  }
  EXPECT_EQ(said, contentOf(kBroken / (GetParam() + ".expected")));
  EXPECT_FALSE(result.problems.empty());
  EXPECT_EQ(all.find(kSecret), std::string::npos) << all;
}

INSTANTIATE_TEST_SUITE_P(All, BrokenFileOnDisk, ::testing::ValuesIn(namesWith(".yaml")),
                         [](const auto& info) { return info.param; });

TEST(BrokenFiles, AreManyAndEachHasItsLines) {
  EXPECT_GE(namesWith(".yaml").size(), 60U);
  EXPECT_EQ(namesWith(".yaml"), namesWith(".expected"));
}

TEST(BrokenFiles, HoldSecretsInMoreThanAFew) {
  std::size_t planted = 0;
  for (const std::string& name : namesWith(".yaml")) {
    const std::string text = contentOf(kBroken / (name + ".yaml"));
    const bool has =
        text.find(kSecret) != std::string::npos || text.find("${PLANTED") != std::string::npos;
    planted += has ? 1 : 0;
  }
  EXPECT_GE(planted, 15U);
}

using BrokenFilesOfTheTest = ConfigFolder;

TEST_F(BrokenFilesOfTheTest, OfAHundredMegabytesAreNotRead) {
  const std::string file = write("large.yaml", "");
  fs::resize_file(file, 100'000'000);
  EXPECT_EQ(problemsOf("large.yaml"), "large.yaml: the file is larger than 8192 KiB\n");
}

TEST_F(BrokenFilesOfTheTest, ThatAreDevicesOrLinksToNothingAreNotWaitedFor) {
  fs::create_symlink("/dev/zero", folder_ / "zero.yaml");
  fs::create_symlink(folder_ / "nowhere", folder_ / "link.yaml");
  EXPECT_EQ(problemsOf("zero.yaml"), "zero.yaml: the file is not a regular file\n");
  EXPECT_EQ(problemsOf("link.yaml"),
            "link.yaml: the file cannot be opened: No such file or directory\n");
}

}  // namespace
}  // namespace agw::config
