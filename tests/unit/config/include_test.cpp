#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "config_folder.h"

namespace agw::config {
namespace {

namespace fs = std::filesystem;

class Include : public ConfigFolder {
 protected:
  // The files that were looked for, without the folder, one a line.
  std::string filesOf(const LoadResult& result) const {
    std::string out;
    for (const SeenFile& file : result.files) out += withoutFolder(file.path) + '\n';
    return out;
  }
};

std::string upstream(const std::string& name) {
  return "upstreams: {" + name + ": {base_url: \"http://127.0.0.1:1/v1\", models: [m]}}\n";
}

TEST_F(Include, AddsThePartsOfOtherFiles) {
  write("gateway.yaml", upstream("near") +
                            "defaults: {namespace: lab, upstream: near, model: m}\n"
                            "include: [teams/one.yaml, teams/two.yaml]\n"
                            "agents: [{name: first, instructions: x, tools: [t]}]\n"
                            "aliases: {last: lab/third}\n");
  write("teams/one.yaml", upstream("far") +
                              "include: [deeper/three.yaml]\n"
                              "mcp_servers: {m: {url: \"http://127.0.0.1:1/mcp\"}}\n"
                              "agents: [{name: second, upstream: far, instructions: x}]\n");
  write("teams/deeper/three.yaml", "agents: [{name: third, instructions: x}]\n");
  write("teams/two.yaml",
        "version: 1\ntools: {t: {provider: mcp, mcp_server: m}}\n"
        "agents: [{name: fourth, instructions: x}]\n");
  const LoadResult result = load("gateway.yaml");
  ASSERT_EQ(lines(result.problems), "");
  std::vector<std::string> ids;
  for (const AgentSettings& agent : result.settings.agents) ids.push_back(agent.id);
  EXPECT_EQ(ids, (std::vector<std::string>{"lab/first", "lab/second", "lab/third", "lab/fourth"}));
  EXPECT_EQ(result.settings.agents[1].upstreams.at(0).name, "far");
  EXPECT_EQ(result.settings.agents[2].upstreams.at(0).name, "near");
  EXPECT_EQ(result.settings.agents[2].model, "m");
  EXPECT_EQ(result.settings.upstreams.size(), 2U);
  EXPECT_EQ(result.settings.tools.at("t").mcp_server, "m");
  EXPECT_EQ(result.settings.aliases.at("default/last").target, "lab/third");
  EXPECT_EQ(filesOf(result),
            "gateway.yaml\n.env\nteams/one.yaml\nteams/deeper/three.yaml\nteams/two.yaml\n");
}

TEST_F(Include, StartsPathsAtTheFolderOfTheFileThatHoldsThem) {
  write("gateway.yaml", "include: [teams/one.yaml]\n");
  write("teams/key", "k-1\n");
  fs::copy_file(fs::path(AGW_SOURCE_DIR) / "tests/unit/config/data/ca.pem",
                folder_ / "teams/ca.pem");
  write("teams/one.yaml",
        "upstreams: {far: {base_url: \"http://127.0.0.1:1/v1\", api_key_file: key, models: [m],\n"
        "                  ca_file: ca.pem}}\n");
  const LoadResult result = load("gateway.yaml");
  ASSERT_EQ(lines(result.problems), "");
  EXPECT_EQ(result.settings.upstreams.at("far").api_key, "k-1");
  EXPECT_EQ(result.settings.upstreams.at("far").ca_file, (folder_ / "teams/ca.pem").string());
  EXPECT_EQ(filesOf(result), "gateway.yaml\n.env\nteams/one.yaml\nteams/key\nteams/ca.pem\n");
}

TEST_F(Include, TakesVariablesAndAbsolutePaths) {
  const std::string far = write("far/one.yaml", upstream("far"));
  write("gateway.yaml", "include: [\"${WHERE}/one.yaml\"]\n");
  const Variables variables = {{"WHERE", (folder_ / "far").string()}};
  const LoadResult result = load("gateway.yaml", variables);
  ASSERT_EQ(lines(result.problems), "");
  EXPECT_TRUE(result.settings.upstreams.contains("far"));
  EXPECT_EQ(result.files.back().path, far);
}

TEST_F(Include, TellsFilesThatCouldNotBeRead) {
  write("gateway.yaml",
        "include: [gone.yaml]\n"
        "upstreams: {up: {base_url: \"http://127.0.0.1:1/v1\", api_key_file: no-key}}\n");
  const LoadResult result = load("gateway.yaml");
  EXPECT_EQ(result.problems.size(), 2U) << lines(result.problems);
  EXPECT_EQ(filesOf(result), "gateway.yaml\n.env\ngone.yaml\nno-key\n");

  const LoadResult missing = load("gone-too.yaml");
  EXPECT_EQ(missing.problems.size(), 1U);
  EXPECT_EQ(filesOf(missing), "gone-too.yaml\n.env\n");
}

TEST_F(Include, TellsAbsolutePathsOfARelativeConfiguration) {
  write("gateway.yaml", upstream("near"));
  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  const LoadResult result = loadSettings("gateway.yaml", environmentOf({}));
  fs::current_path(before);
  ASSERT_EQ(result.files.size(), 2U);
  EXPECT_EQ(result.files[0].path, (folder_ / "gateway.yaml").string());
  EXPECT_EQ(result.files[0].state, stateOf(result.files[0].path));
  EXPECT_EQ(result.files[1].path, (folder_ / ".env").string());
  EXPECT_EQ(result.files[1].state.error, ENOENT);
}

// 0.yaml includes 1.yaml and so on, up to the file `last`, which has an upstream.
TEST_F(Include, IsBoundInDepth) {
  for (const int last : {8, 9}) {
    for (int i = 0; i < last; ++i) {
      write(std::to_string(i) + ".yaml", "include: [" + std::to_string(i + 1) + ".yaml]\n");
    }
    write(std::to_string(last) + ".yaml", upstream("up"));
    EXPECT_EQ(
        problemsOf("0.yaml"),
        last == 8 ? "" : "8.yaml:1:11: include[0]: includes are nested deeper than 8 files\n");
  }
}

TEST_F(Include, IsBoundInNumber) {
  std::string list;
  for (int i = 1; i < 258; ++i) {
    const std::string name = "part" + std::to_string(i);
    if (i < 256) list += "  - " + name + ".yaml\n";
    write(name + ".yaml", upstream(name));
  }
  write("gateway.yaml", "include:\n" + list);
  const LoadResult most = load("gateway.yaml");
  EXPECT_EQ(lines(most.problems), "");
  EXPECT_EQ(most.settings.upstreams.size(), 255U);
  write("gateway.yaml", "include:\n" + list + "  - part256.yaml\n  - part257.yaml\n");
  EXPECT_EQ(problemsOf("gateway.yaml"),
            "gateway.yaml:257:5: include[255]: more than 256 files; put several parts into one "
            "file\n");
}

TEST_F(Include, IsBoundInSizeOverAllFiles) {
  write("gateway.yaml", "include: [one.yaml, two.yaml]\n");
  const std::string padding = '#' + std::string(5 * 1024 * 1024, 'x') + '\n';
  write("one.yaml", upstream("one") + padding);
  write("two.yaml", upstream("two") + padding);
  EXPECT_EQ(problemsOf("gateway.yaml"),
            "gateway.yaml:1:21: include[1]: with this file the configuration is larger than 8 "
            "MiB\n");
}

TEST_F(Include, BoundsAliasesOverAllFiles) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 4; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 1; j < 10; ++j) bomb += ", " + before;
    bomb += "]\n";
  }
  std::string list;
  for (int i = 0; i < 20; ++i) {
    write("bomb" + std::to_string(i) + ".yaml", bomb);
    list += "  - bomb" + std::to_string(i) + ".yaml\n";
  }
  write("gateway.yaml", "include:\n" + list);
  EXPECT_NE(problemsOf("gateway.yaml").find("the file is too large once its aliases are filled in"),
            std::string::npos);
}

TEST_F(Include, FindsACircleThroughLinks) {
  write("gateway.yaml", "include: [link.yaml]\n");
  fs::create_symlink(folder_ / "gateway.yaml", folder_ / "link.yaml");
  EXPECT_EQ(problemsOf("gateway.yaml"),
            "gateway.yaml:1:11: include[0]: a circle: gateway.yaml includes gateway.yaml; remove "
            "one of these includes\n");
}

TEST_F(Include, ReportsProblemsFileByFile) {
  write("gateway.yaml", "include: [b.yaml, a.yaml]\nlog: {level: x}\nserver: {threads: x}\n");
  write("a.yaml", "agents: [{}]\n");
  write("b.yaml", "agents: 1\n");
  const std::string said = problemsOf("gateway.yaml", {{"AGENT_GATEWAY_THREADS", "x"}});
  std::vector<std::string> files;
  for (std::size_t at = 0; at < said.size(); at = said.find('\n', at) + 1) {
    files.push_back(said.substr(at, said.find(':', at) - at));
  }
  EXPECT_EQ(files, (std::vector<std::string>{"gateway.yaml", "gateway.yaml", "b.yaml", "a.yaml",
                                             "a.yaml", "a.yaml", "a.yaml", "environment"}))
      << said;
}

}  // namespace
}  // namespace agw::config
