#include "config/yaml_cache.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "config_folder.h"

namespace agw::config {
namespace {

class CachedTrees : public ConfigFolder {
 protected:
  void SetUp() override {
    ConfigFolder::SetUp();
    write("gateway.yaml",
          "upstreams: {near: {base_url: \"http://127.0.0.1:1/v1\"}}\n"
          "defaults: {upstream: near, model: \"${MODEL:-m}\"}\n"
          "include: [one.yaml, two.yaml]\n");
    write("one.yaml", agent("first"));
    write("two.yaml", agent("second"));
  }

  static std::string agent(const std::string& name, const std::string& more = "") {
    return "agents:\n  - name: " + name + "\n    instructions: x\n" + more;
  }

  // What is loaded with the trees of the loads before must be what is loaded without them.
  LoadResult loadBoth(Variables variables = {}) {
    const std::string file = (folder_ / "gateway.yaml").string();
    LoadResult with = loadSettings(file, environmentOf(variables), &trees_);
    const LoadResult without = loadSettings(file, environmentOf(variables));
    EXPECT_EQ(lines(with.problems), lines(without.problems));
    EXPECT_EQ(lines(with.warnings), lines(without.warnings));
    EXPECT_TRUE(with.settings == without.settings);
    return with;
  }

  YamlCache trees_;
};

TEST_F(CachedTrees, AreThoseOfTheFilesAsTheyAreNow) {
  for (int i = 0; i < 3; ++i) ASSERT_EQ(loadBoth().settings.agents.size(), 2U);
  write("one.yaml", agent("other"));
  EXPECT_EQ(loadBoth().settings.agents[0].id, "default/other");
  write("two.yaml", agent("second", "    description: new\n"));
  EXPECT_EQ(loadBoth().settings.agents[1].description, "new");
}

TEST_F(CachedTrees, HoldNothingOfTheEnvironment) {
  EXPECT_EQ(loadBoth({{"MODEL", "one"}}).settings.agents[0].model, "one");
  EXPECT_EQ(loadBoth({{"MODEL", "two"}}).settings.agents[0].model, "two");
  EXPECT_EQ(loadBoth().settings.agents[0].model, "m");
}

TEST_F(CachedTrees, ShowTheProblemsOfAFileEachTime) {
  loadBoth();
  write("two.yaml", agent("second") + "agents: []\n");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(withoutFolder(lines(loadBoth().problems)),
              "two.yaml:4:1: agents: the key stands twice (first on line 1); remove one\n");
  }
  write("two.yaml", "agents: [");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(loadBoth().problems.size(), 1U);
  write("two.yaml", agent("second", "    nmae: x\n"));  // good YAML
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(withoutFolder(lines(loadBoth().problems)).find("two.yaml:4:5: agents[0].nmae"), 0U);
  }
  write("two.yaml", agent("second"));
  EXPECT_EQ(lines(loadBoth().problems), "");
}

TEST_F(CachedTrees, NameTheRightFileWhenFilesTradePlaces) {
  write("two.yaml", agent("second", "    nmae: x\n"));
  EXPECT_EQ(loadBoth().problems.size(), 1U);
  const std::string first = "upstreams: {near: {base_url: \"http://127.0.0.1:1/v1\"}}\n";
  write("gateway.yaml", first +
                            "defaults: {upstream: near, model: m}\n"
                            "include: [two.yaml, one.yaml]\n");
  EXPECT_EQ(withoutFolder(lines(loadBoth().problems)).find("two.yaml:4:5: "), 0U);
  write("gateway.yaml", first + "defaults: {upstream: near, model: m}\ninclude: [two.yaml]\n");
  EXPECT_EQ(loadBoth().problems.size(), 1U);
}

// 200,000 values are the most that all files may have together.
TEST_F(CachedTrees, CountForTheBoundsOfTheWhole) {
  std::string many = agent("first") + "    metadata: {list: [";
  for (int i = 0; i < 120'000; ++i) many += "1,";
  write("one.yaml", many + "1]}\n");
  ASSERT_EQ(lines(loadBoth().problems), "");
  std::string too_many = agent("second") + "    metadata: {list: [";
  for (int i = 0; i < 120'000; ++i) too_many += "1,";
  write("two.yaml", too_many + "1]}\n");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(loadBoth().problems.size(), 1U);
}

}  // namespace
}  // namespace agw::config
