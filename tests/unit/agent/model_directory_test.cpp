#include "agent/model_directory.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace agw::agent {
namespace {

config::Settings settings() {
  config::Settings settings;
  config::AgentSettings agent;
  agent.upstreams = {{"lm", "q3"}};
  agent.model = "q3";
  agent.id = "default/assistant";
  settings.agents.push_back(agent);
  agent.id = "research/helper";
  settings.agents.push_back(agent);
  settings.upstreams["lm"].name = "lm";
  settings.upstreams["lm"].models = {"q3", "vendor/large"};
  settings.aliases["default/fast"] = {"lm/q3"};
  settings.aliases["default/helper"] = {"research/helper"};
  settings.aliases["lab/large"] = {"lm/vendor/large"};
  return settings;
}

TEST(ModelDirectory, FindsAgentsAndPlainModels) {
  const config::Settings all = settings();
  const ModelDirectory directory(all);
  const ModelEntry* const agent = directory.find("research/helper");
  ASSERT_NE(agent, nullptr);
  EXPECT_EQ(agent->agent, &all.agents[1]);
  EXPECT_EQ(agent->alias_of, "");
  const ModelEntry* const model = directory.find("lm/vendor/large");
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->agent, nullptr);
  EXPECT_EQ(model->upstream, "lm");
  EXPECT_EQ(model->upstream_model, "vendor/large");
  EXPECT_EQ(directory.find("default/q3"), nullptr);
  EXPECT_EQ(directory.find("helper"), nullptr);
}

TEST(ModelDirectory, ResolvesAliases) {
  const config::Settings all = settings();
  const ModelDirectory directory(all);
  const ModelEntry* const helper = directory.find("default/helper");
  ASSERT_NE(helper, nullptr);
  EXPECT_EQ(helper->id, "default/helper");
  EXPECT_EQ(helper->alias_of, "research/helper");
  EXPECT_EQ(helper->agent, &all.agents[1]);
  const ModelEntry* const fast = directory.find("default/fast");
  ASSERT_NE(fast, nullptr);
  EXPECT_EQ(fast->agent, nullptr);
  EXPECT_EQ(fast->upstream, "lm");
  EXPECT_EQ(fast->upstream_model, "q3");
  ASSERT_NE(directory.find("lab/large"), nullptr);
  EXPECT_EQ(directory.find("lab/large")->upstream_model, "vendor/large");
}

TEST(ModelDirectory, ListsAliasesBehindWhatTheyStandFor) {
  const config::Settings all = settings();
  const ModelDirectory directory(all);
  std::vector<std::string> ids;
  for (const ModelEntry& entry : directory.all()) {
    ids.push_back(entry.id);
    EXPECT_EQ(directory.find(entry.id), &entry);
  }
  EXPECT_EQ(ids, (std::vector<std::string>{"default/assistant", "research/helper", "lm/q3",
                                           "lm/vendor/large", "default/fast", "default/helper",
                                           "lab/large"}));
}

TEST(ModelDirectory, AddsWhatUpstreamsListThatAreToBeDiscovered) {
  config::Settings all = settings();
  all.upstreams["other"].name = "other";
  all.upstreams["lm"].discover = true;
  all.aliases["default/new"] = {"lm/new"};
  all.aliases["default/later"] = {"lm/not-listed-yet"};
  all.aliases["lm/taken"] = {"research/helper"};
  const upstream::DiscoveredModels discovered = {{"lm", {"q3", "new", "taken"}},
                                                 {"other", {"unasked"}}};
  const ModelDirectory directory(all, discovered);
  ASSERT_NE(directory.find("lm/new"), nullptr);
  EXPECT_EQ(directory.find("lm/new")->upstream_model, "new");
  EXPECT_EQ(directory.find("default/new")->upstream_model, "new");
  EXPECT_EQ(directory.find("default/later"), nullptr);
  EXPECT_EQ(directory.find("lm/taken")->alias_of, "research/helper") << "configured ids stay";
  EXPECT_EQ(directory.find("other/unasked"), nullptr);
  int q3 = 0;
  for (const ModelEntry& entry : directory.all()) q3 += entry.id == "lm/q3" ? 1 : 0;
  EXPECT_EQ(q3, 1);
}

}  // namespace
}  // namespace agw::agent
