// What agents take from `defaults`, their metadata, and aliases.
#include <gtest/gtest.h>

#include <string>

#include "config_test_support.h"

namespace agw::config {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

Settings good(const std::string& yaml) {
  LoadResult result = parse(yaml);
  EXPECT_EQ(lines(result.problems), "");
  return result.settings;
}

const std::string kTwoUpstreams =
    "upstreams:\n"
    "  up: {base_url: \"http://127.0.0.1:1/v1\"}\n"
    "  lm: {base_url: \"http://127.0.0.1:2/v1\", models: [qwen/q3, m]}\n";

TEST(Defaults, FillInWhatAgentsDoNotWrite) {
  const Settings settings =
      good(kTwoUpstreams +
           "defaults: {namespace: lab, upstream: lm, model: m,\n"
           "           policies: {max_tool_hops: 3, max_run: 90s}}\n"
           "agents:\n"
           "- {name: a, instructions: x}\n"
           "- {name: b, namespace: own, upstream: up, model: n, instructions: x,\n"
           "   policies: {max_run: 2m, max_parallel_tools: 1}}\n"
           "- {name: c, kind: sdk, module: \"p.m:f\"}\n");
  const AgentSettings& a = settings.agents[0];
  EXPECT_EQ(a.id, "lab/a");
  EXPECT_EQ(a.upstreams.at(0).name, "lm");
  EXPECT_EQ(a.model, "m");
  EXPECT_EQ(a.policies.max_tool_hops, 3U);
  EXPECT_EQ(a.policies.max_run, seconds(90));
  EXPECT_EQ(a.policies.max_parallel_tools, 8U);
  const AgentSettings& b = settings.agents[1];
  EXPECT_EQ(b.id, "own/b");
  EXPECT_EQ(b.upstreams.at(0).name, "up");
  EXPECT_EQ(b.model, "n");
  EXPECT_EQ(b.policies.max_tool_hops, 3U);
  EXPECT_EQ(b.policies.max_run, minutes(2));
  EXPECT_EQ(b.policies.max_parallel_tools, 1U);
  EXPECT_EQ(settings.agents[2].upstreams.at(0).name, "lm");
}

TEST(Defaults, DoNotChangeWhatABareNameMeans) {
  const Settings settings = good(kTwoUpstreams +
                                 "defaults: {namespace: lab, upstream: lm, model: m}\n"
                                 "agents: [{name: a, instructions: x}]\n"
                                 "aliases: {a: lab/a}\n");
  EXPECT_EQ(settings.aliases.at("default/a").target, "lab/a");
}

TEST(Metadata, IsKeptAsJson) {
  const Settings settings =
      good(kTwoUpstreams +
           "agents:\n"
           "- name: a\n"
           "  upstream: lm\n"
           "  model: m\n"
           "  instructions: x\n"
           "  display_name: Agent A\n"
           "  description: The first.\n"
           "  metadata: {team: core, level: 3, tags: [x, \"5\"], deep: {on: true, off: no}, n: ~}\n"
           "- {name: b, upstream: lm, model: m, instructions: x, metadata: {}}\n"
           "- {name: c, upstream: lm, model: m, instructions: x}\n");
  EXPECT_EQ(settings.agents[0].display_name, "Agent A");
  EXPECT_EQ(settings.agents[0].description, "The first.");
  EXPECT_EQ(settings.agents[0].metadata_json,
            R"({"team":"core","level":3,"tags":["x","5"],"deep":{"on":true,"off":"no"},"n":null})");
  EXPECT_EQ(settings.agents[1].metadata_json, "{}");
  EXPECT_EQ(settings.agents[2].metadata_json, "");
}

TEST(Aliases, StandForAgentsAndPlainModels) {
  const Settings settings = good(kTwoUpstreams +
                                 "agents: [{name: a, upstream: up, model: m, instructions: x}]\n"
                                 "aliases:\n"
                                 "  short: a\n"
                                 "  default/also: default/a\n"
                                 "  lab/fast: lm/qwen/q3\n"
                                 "  lm/best: lm/m\n");
  ASSERT_EQ(settings.aliases.size(), 4U);
  EXPECT_EQ(settings.aliases.at("default/short").target, "default/a");
  EXPECT_EQ(settings.aliases.at("default/also").target, "default/a");
  EXPECT_EQ(settings.aliases.at("lab/fast").target, "lm/qwen/q3");
  EXPECT_EQ(settings.aliases.at("lm/best").target, "lm/m");
}

TEST(Aliases, MayStandForAgentsThatCannotRun) {
  EXPECT_EQ(good("agents: [{name: a, kind: sdk, module: \"p.m:f\"}]\naliases: {b: a}\n")
                .aliases.at("default/b")
                .target,
            "default/a");
}

TEST(Aliases, AreNotReportedBecauseAnAgentsNameIsWrong) {
  const LoadResult result =
      parse(kTwoUpstreams + "agents: [{name: a b, upstream: up, model: m, instructions: x}]\n" +
            "aliases: {c: ab}\n");
  ASSERT_EQ(result.problems.size(), 1U) << lines(result.problems);
  EXPECT_EQ(result.problems[0].path, "agents[0].name");
}

}  // namespace
}  // namespace agw::config
