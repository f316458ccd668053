// The JSON Schema that is printed is the one that is shipped, and it says what schema.h says.
#include "config/json_schema.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "base/json_reader.h"
#include "config/json_schema_types.h"
#include "config/schema.h"

namespace agw::config {
namespace {

std::string shipped() {
  std::ifstream file(std::string(AGW_SOURCE_DIR) + "/config/gateway.schema.json");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Json schema() {
  auto parsed = parseJson(jsonSchema());
  EXPECT_TRUE(parsed);
  return parsed ? *parsed : Json();
}

TEST(JsonSchema, IsTheShippedOne) {
  EXPECT_EQ(jsonSchema(), shipped())
      << "write it anew: agent-executor check --schema > config/gateway.schema.json";
}

TEST(JsonSchema, HasEveryKeyOfEverySectionAndNoOther) {
  const Json all = schema();
  const auto keysOf = [](const Json& object) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : object["properties"].items()) keys.push_back(key);
    return keys;
  };
  const std::vector<std::pair<const Section*, Json>> pairs = {
      {&kTopSection, all},
      {&kServerSection, all["$defs"]["server"]},
      {&kLogSection, all["$defs"]["log"]},
      {&kDefaultsSection, all["$defs"]["defaults"]},
      {&kUpstreamSection, all["$defs"]["upstream"]},
      {&kMcpServerSection, all["$defs"]["mcp_server"]},
      {&kToolSection, all["$defs"]["tool"]},
      {&kToolSection, all["$defs"]["tool_of_map"]},
      {&kAgentSection, all["$defs"]["agent"]},
      {&kAgentUpstreamSection, all["$defs"]["agent_upstream"]},
      {&kPoliciesSection, all["$defs"]["policies"]},
  };
  EXPECT_EQ(pairs.size(), allSections().size() + 1);
  for (const auto& [section, object] : pairs) {
    std::vector<std::string> expected;
    for (const Key& key : section->keys) {
      expected.emplace_back(key.name);
      EXPECT_EQ(object["properties"][std::string(key.name)]["description"],
                std::string(key.meaning));
    }
    EXPECT_EQ(keysOf(object), expected) << section->path;
    EXPECT_EQ(object["additionalProperties"], false) << section->path;
  }
}

TEST(JsonSchema, SaysRangesAsNumbers) {
  const Json all = schema();
  EXPECT_EQ(all["$schema"], "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(all["$defs"]["server"]["properties"]["threads"]["anyOf"][0].dump(),
            R"({"type":"integer","minimum":0,"maximum":256})");
  EXPECT_EQ(all["$defs"]["server"]["properties"]["keep_alive_interval"]["anyOf"][0].dump(),
            R"({"type":"number","minimum":0.05,"maximum":600})");
  EXPECT_EQ(all["$defs"]["policies"]["properties"]["max_tool_result_bytes"]["anyOf"][0].dump(),
            R"({"type":"integer","minimum":1,"maximum":16777216})");
  EXPECT_EQ(all["$defs"]["log"]["properties"]["level"]["anyOf"][0].dump(),
            R"({"enum":["debug","info","warn","error"]})");
  EXPECT_EQ(all["$defs"]["agent"]["required"].dump(), R"(["name"])");
  EXPECT_EQ(all["$defs"]["upstream"]["required"].dump(), R"(["base_url"])");
}

TEST(JsonSchema, RefersToWhatItDefines) {
  const std::string text = jsonSchema();
  const Json all = schema();
  const std::string mark = "\"$ref\": \"#/$defs/";
  std::size_t count = 0;
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
    const std::size_t start = at + mark.size();
    const std::string name = text.substr(start, text.find('"', start) - start);
    EXPECT_TRUE(all["$defs"].contains(name)) << name;
    ++count;
  }
  EXPECT_GE(count, 9U);
}

TEST(JsonSchema, KnowsNoOtherTypeOfValue) {
  EXPECT_TRUE(valueSchema("map of something to something").is_null());
  EXPECT_TRUE(valueSchema("list of text").is_null());
  EXPECT_EQ(defaultValue("integer 1..9", "8").dump(), "8");
  EXPECT_EQ(defaultValue("duration 1ms..1h", "30s").dump(), "\"30s\"");
}

}  // namespace
}  // namespace agw::config
