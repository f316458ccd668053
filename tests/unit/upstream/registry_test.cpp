#include "upstream/registry.h"

#include <gtest/gtest.h>

#include <string>

#include "support/memory_log.h"

namespace agw::upstream {
namespace {

class RegistryTest : public testing::Test {
 protected:
  RegistryTest() {
    for (const char* name : {"one", "two"}) {
      settings_.upstreams[name].name = name;
      settings_.upstreams[name].base_url = parseUrl("http://127.0.0.1:1/v1").value();
    }
  }

  const config::AgentSettings& agent(std::vector<config::AgentUpstream> upstreams) {
    config::AgentSettings agent;
    agent.id = "default/" + std::to_string(settings_.agents.size());
    agent.model = "m";
    agent.upstreams = std::move(upstreams);
    return settings_.agents.emplace_back(std::move(agent));
  }

  Registry registry(const Registry* previous = nullptr) {
    return {context_, settings_, {states_, metrics_, log_}, previous};
  }

  net::io_context context_;
  config::Settings settings_;
  SharedState states_;
  telemetry::MetricsShard metrics_;
  test::MemoryLog log_;
};

TEST_F(RegistryTest, HasABackendForEachUpstream) {
  const Registry all = registry();
  EXPECT_NE(all.find("one"), nullptr);
  EXPECT_NE(all.find("one"), all.find("two"));
  EXPECT_EQ(all.find("three"), nullptr);
}

TEST_F(RegistryTest, GivesAnAgentItsUpstreamsAsOne) {
  settings_.agents.reserve(4);
  const auto& plain = agent({{"one", "m"}});
  const auto& with_own_model = agent({{"one", "n"}});
  const auto& with_two = agent({{"one", "m"}, {"two", "m"}});
  const auto& without = agent({});
  const Registry all = registry();
  EXPECT_EQ(all.find(plain), all.find("one"));
  EXPECT_NE(all.find(with_own_model), nullptr);
  EXPECT_NE(all.find(with_own_model), all.find("one"));
  EXPECT_NE(all.find(with_two), nullptr);
  EXPECT_NE(all.find(with_two), all.find("one"));
  EXPECT_EQ(all.find(without), nullptr);
}

TEST_F(RegistryTest, SharesTheStateOfAnUpstreamWithOtherThreads) {
  const Registry here = registry();
  const Registry there = registry();
  EXPECT_EQ(&here.stateOf("one"), &there.stateOf("one"));
  EXPECT_NE(&here.stateOf("one"), &here.stateOf("two"));
}

TEST_F(RegistryTest, KeepsTheStateOverAReloadThatDescribesTheUpstreamAsBefore) {
  const config::Settings before = settings_;
  const Registry old(context_, before, {states_, metrics_, log_});
  settings_.upstreams["two"].max_concurrent = 3;
  const Registry fresh = registry(&old);
  EXPECT_EQ(&fresh.stateOf("one"), &old.stateOf("one"));
  EXPECT_NE(&fresh.stateOf("two"), &old.stateOf("two"));
}

}  // namespace
}  // namespace agw::upstream
