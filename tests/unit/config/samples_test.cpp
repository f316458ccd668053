// The configurations that are shipped, and the same content as YAML and as JSON.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "config/print.h"
#include "config/schema.h"
#include "config_folder.h"

namespace agw::config {
namespace {

namespace fs = std::filesystem;

const fs::path kSamples = fs::path(AGW_SOURCE_DIR) / "config";

std::string contentOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<fs::path> samples() {
  std::vector<fs::path> found;
  for (const auto& entry : fs::recursive_directory_iterator(kSamples)) {
    if (entry.path().extension() == ".yaml") found.push_back(entry.path());
  }
  return found;
}

// What gateway.production.yaml wants to be set.
const Variables kProduction = {{"LLM_API_KEY", "hunter2"}, {"MCP_TOKEN", "hunter2"}};

TEST(Samples, LoadWithoutAProblem) {
  EXPECT_GE(samples().size(), 4U);
  for (const fs::path& path : samples()) {
    const bool is_production = path.stem() == "gateway.production";
    const LoadResult result =
        loadSettings(path.string(), environmentOf(is_production ? kProduction : Variables{}));
    EXPECT_EQ(lines(result.problems), "");
    // The full one shows what this version lists with status error.
    if (path.stem() != "gateway.full") {
      EXPECT_EQ(lines(result.warnings), "");
    }
  }
}

TEST(Samples, NameTheirSchema) {
  for (const fs::path& path : samples()) {
    const std::string mark = "# yaml-language-server: $schema=";
    const std::string text = contentOf(path);
    ASSERT_TRUE(text.starts_with(mark)) << path;
    const std::string schema = text.substr(mark.size(), text.find('\n') - mark.size());
    EXPECT_TRUE(fs::equivalent(path.parent_path() / schema, kSamples / "gateway.schema.json"));
  }
}

TEST(Samples, ShowEveryKeyInTheFullOne) {
  const std::string text = contentOf(kSamples / "gateway.full.yaml");
  for (const Section* section : allSections()) {
    for (const Key& key : section->keys) {
      EXPECT_NE(text.find(std::string(key.name) + ':'), std::string::npos)
          << section->path << ' ' << key.name;
    }
  }
}

TEST(Samples, HaveTheirAddressesFromTheEnvironment) {
  const LoadResult result =
      loadSettings((kSamples / "gateway.yaml").string(),
                   environmentOf({{"LLM_BASE_URL", "http://127.0.0.1:1111/v1"},
                                  {"LLM_API_KEY", "k"},
                                  {"LLM_MODEL", "m-1"},
                                  {"MCP_URL", "http://127.0.0.1:2222/mcp"},
                                  {"HTTP_URL", "http://127.0.0.1:3333"}}));
  ASSERT_EQ(lines(result.problems), "");
  const Settings& settings = result.settings;
  EXPECT_EQ(settings.upstreams.at("demo").base_url.port, 1111);
  EXPECT_EQ(settings.upstreams.at("demo").base_url.target, "/v1");
  EXPECT_EQ(settings.upstreams.at("demo").api_key, "k");
  EXPECT_EQ(settings.mcp_servers.at("weather").url.port, 2222);
  EXPECT_EQ(settings.tools.at("get_time").url.target, "/time");
  EXPECT_EQ(settings.tools.at("get_weather").mcp_method, "get_weather");
  std::vector<std::string> ids;
  for (const AgentSettings& agent : settings.agents) {
    ids.push_back(agent.id);
    EXPECT_EQ(agent.model, "m-1");
  }
  EXPECT_EQ(ids,
            (std::vector<std::string>{"default/assistant", "default/plain", "research/helper"}));
}

TEST(Samples, ForProductionNeedTheirSecrets) {
  const std::string file = (kSamples / "gateway.production.yaml").string();
  const LoadResult without = loadSettings(file, environmentOf({}));
  const std::string said = lines(without.problems);
  EXPECT_EQ(without.problems.size(), 2U) << said;
  EXPECT_NE(said.find("LLM_API_KEY is not set"), std::string::npos) << said;
  EXPECT_NE(said.find("MCP_TOKEN is not set"), std::string::npos) << said;
  const LoadResult with = loadSettings(file, environmentOf(kProduction));
  EXPECT_EQ(with.settings.upstreams.at("cloud").api_key, "hunter2");
  EXPECT_EQ(with.settings.aliases.at("default/assistant").target, "default/support");
  EXPECT_EQ(printSettings(with.settings).find("hunter2"), std::string::npos);
}

TEST(JsonFile, HasTheSettingsOfTheSameYaml) {
  const std::string data = std::string(AGW_SOURCE_DIR) + "/tests/unit/config/data/";
  const Variables variables = {{"TOKEN", "t-1"}};
  const LoadResult yaml = loadSettings(data + "same.yaml", environmentOf(variables));
  const LoadResult json = loadSettings(data + "same.json", environmentOf(variables));
  ASSERT_EQ(lines(yaml.problems), "");
  ASSERT_EQ(lines(json.problems), "");
  EXPECT_EQ(printSettings(json.settings), printSettings(yaml.settings));
  for (const auto& [name, upstream] : yaml.settings.upstreams) {
    const UpstreamSettings& other = json.settings.upstreams.at(name);
    EXPECT_EQ(other.api_key, upstream.api_key);
    ASSERT_EQ(other.headers.size(), upstream.headers.size());
    for (std::size_t i = 0; i < upstream.headers.size(); ++i) {
      EXPECT_EQ(other.headers[i].value, upstream.headers[i].value);
    }
  }
  EXPECT_EQ(json.settings.upstreams.at("lm").api_key, "k-t-1");
  EXPECT_EQ(json.settings.agents.at(0).instructions,
            "Grüße! 🙂\n\"Quoted\", C:\\ud83d\\x and a/b.\n");
}

using JsonFiles = ConfigFolder;

TEST_F(JsonFiles, MayBeIndentedWithTabsAndWrittenOnOneLine) {
  const std::string one_line =
      R"({"upstreams":{"lm":{"base_url":"http:\/\/127.0.0.1:1\/v1","models":["m"]}},)"
      R"("agents":[{"name":"a","upstream":"lm","model":"m","instructions":"x"}]})";
  const std::string tabs =
      "{\n\t\"upstreams\": {\n\t\t\"lm\": {\n\t\t\t\"base_url\": \"http://127.0.0.1:1/v1\",\n"
      "\t\t\t\"models\": [\n\t\t\t\t\"m\"\n\t\t\t]\n\t\t}\n\t},\n\t\"agents\": [\n\t\t{\n"
      "\t\t\t\"name\": \"a\",\n\t\t\t\"upstream\": \"lm\",\n\t\t\t\"model\": \"m\",\n"
      "\t\t\t\"instructions\": \"x\"\n\t\t}\n\t]\n}\n";
  write("one.json", one_line);
  write("tabs.json", tabs);
  const LoadResult first = load("one.json");
  const LoadResult second = load("tabs.json");
  ASSERT_EQ(lines(first.problems), "");
  ASSERT_EQ(lines(second.problems), "");
  EXPECT_EQ(printSettings(first.settings), printSettings(second.settings));
  EXPECT_EQ(first.settings.upstreams.at("lm").models, (std::vector<std::string>{"m"}));
}

TEST_F(JsonFiles, IncludeAndAreIncluded) {
  write("gateway.json", R"({"include": ["more.yaml"]})");
  write("more.yaml", "include: [last.json]\n");
  write("last.json",
        R"({"upstreams": {"lm": {"base_url": "http://127.0.0.1:1", "models": ["m"]}}})");
  const LoadResult result = load("gateway.json");
  ASSERT_EQ(lines(result.problems), "");
  EXPECT_TRUE(result.settings.upstreams.contains("lm"));
}

}  // namespace
}  // namespace agw::config
