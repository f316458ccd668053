#include "config/yaml_to_json.h"

#include <gtest/gtest.h>

#include <string>

#include "config_test_support.h"

namespace agw::config {
namespace {

std::string json(const std::string& yaml, std::size_t expected_problems = 0) {
  Problems problems("f.yaml");
  YamlUse use;
  const auto node = readYaml(yaml, 0, use, problems);
  if (!node) return "no tree: " + lines(problems.takeProblems());
  std::string text = yamlToJson(*node, "p", problems);
  EXPECT_EQ(problems.takeProblems().size(), expected_problems) << yaml;
  return text;
}

TEST(YamlToJson, TellsTextFromNumbersAndTruth) {
  EXPECT_EQ(json("[1, -2, '3', \"4\", true, 'true', False, yes, no, null, ~, 'null', on]"),
            R"([1,-2,"3","4",true,"true",false,"yes","no",null,null,"null","on"])");
}

TEST(YamlToJson, KeepsDigitsAndWritesThemAsJson) {
  EXPECT_EQ(json("[1.50, .5, 1., +7, -0, 1e5, 1E-7, 007, 0x1F, 0o17, 12345678901234567890123]"),
            "[1.50,0.5,1.0,7,-0,1e5,1E-7,7,31,15,12345678901234567890123]");
}

TEST(YamlToJson, LeavesWhatOnlyLooksLikeANumberAsText) {
  EXPECT_EQ(json("[1.2.3, 1-2, 0x, 0xZ, 1e, '-', 1_000, 12:30, 2024-01-01, ., +, 1k]"),
            R"(["1.2.3","1-2","0x","0xZ","1e","-","1_000","12:30","2024-01-01",".","+","1k"])");
}

TEST(YamlToJson, ReportsNumbersThatJsonDoesNotHave) {
  json("[.inf]", 1);
  json("[-.INF]", 1);
  json("[.nan]", 1);
  json("[1e400]", 1);
}

TEST(YamlToJson, KeepsOrderNestingAndText) {
  EXPECT_EQ(json("z: {}\na: []\nm: |\n  one\n  \"two\"\n\"k\\ney\": é\n1: x\n"),
            "{\"z\":{},\"a\":[],\"m\":\"one\\n\\\"two\\\"\\n\",\"k\\ney\":\"é\",\"1\":\"x\"}");
}

}  // namespace
}  // namespace agw::config
