#include "config/reloader.h"

#include <gtest/gtest.h>

#include "support/memory_log.h"

namespace agw::config {
namespace {

Settings withAgents(const std::vector<std::string>& ids) {
  Settings settings;
  settings.upstreams["lm"].name = "lm";
  for (const std::string& id : ids) {
    AgentSettings agent;
    agent.id = id;
    settings.agents.push_back(agent);
  }
  return settings;
}

class ReloaderTest : public testing::Test {
 protected:
  ReloaderTest()
      : reloader_(
            std::make_shared<const Settings>(withAgents({"default/a"})), LoadResult{},
            [this] { return next_; },
            [this](std::shared_ptr<const Settings> settings, std::uint64_t generation) {
              applied_.push_back({std::move(settings), generation});
            },
            log_) {}

  struct Applied {
    std::shared_ptr<const Settings> settings;
    std::uint64_t generation;
  };

  test::MemoryLog log_;
  LoadResult next_;
  std::vector<Applied> applied_;
  Reloader reloader_;
};

TEST_F(ReloaderTest, PutsAGoodConfigurationIntoUse) {
  next_.settings = withAgents({"default/b"});
  next_.warnings = {{"f.yaml", 3, 1, "agents[0]", "no tools"}};
  next_.files = {{"/etc/f.yaml", {}}, {"/etc/.env", {}}};
  const ReloadStatus status = reloader_.reload("file");
  ASSERT_EQ(applied_.size(), 1U);
  EXPECT_EQ(applied_[0].generation, 2U);
  EXPECT_EQ(applied_[0].settings->agents[0].id, "default/b");
  EXPECT_EQ(reloader_.settings(), applied_[0].settings);
  EXPECT_TRUE(status.is_last_good);
  EXPECT_EQ(status.generation, 2U);
  EXPECT_EQ(status.last_trigger, "file");
  ASSERT_EQ(reloader_.files().size(), 2U);
  EXPECT_EQ(reloader_.files()[1].path, "/etc/.env");
  EXPECT_EQ(status.warnings, std::vector<std::string>{"f.yaml:3:1: agents[0]: no tools"});
  EXPECT_EQ(status.last_diff.added, std::vector<std::string>{"agent default/b"});
  EXPECT_EQ(status.last_diff.removed, std::vector<std::string>{"agent default/a"});
}

TEST_F(ReloaderTest, ABadOneChangesNothing) {
  const auto before = reloader_.settings();
  next_.problems = {{"f.yaml", 7, 5, "agents", "wrong"}, {"f.yaml", 9, 1, "tools", "wrong, too"}};
  ReloadStatus status = reloader_.reload("signal");
  EXPECT_TRUE(applied_.empty());
  EXPECT_EQ(reloader_.settings(), before);
  EXPECT_FALSE(status.is_last_good);
  EXPECT_EQ(status.generation, 1U);
  EXPECT_EQ(status.last_errors, (std::vector<std::string>{"f.yaml:7:5: agents: wrong",
                                                          "f.yaml:9:1: tools: wrong, too"}));
  EXPECT_EQ(status.failures, 1U);

  next_ = {};
  next_.settings = withAgents({"default/a", "default/c"});
  status = reloader_.reload("file");
  EXPECT_TRUE(status.is_last_good);
  EXPECT_TRUE(status.last_errors.empty());
  EXPECT_EQ(status.attempts, 2U);
  EXPECT_EQ(status.successes, 1U);
  EXPECT_GE(status.last_failure_at, status.loaded_at - 60'000) << "still told";
}

TEST_F(ReloaderTest, WhatIsTheSameIsNotPutIntoUseAgain) {
  next_.settings = withAgents({"default/a"});
  const ReloadStatus status = reloader_.reload("request");
  EXPECT_TRUE(applied_.empty());
  EXPECT_EQ(status.generation, 1U);
  EXPECT_EQ(status.successes, 1U);
  EXPECT_TRUE(status.last_diff.empty());
}

TEST_F(ReloaderTest, WhatNeedsARestartIsSaidAndNotTaken) {
  next_.settings = withAgents({"default/a"});
  next_.settings.server.listen = "127.0.0.1:1";
  next_.settings.server.drain_timeout = Millis(7);
  next_.settings.log.level = "debug";
  const ReloadStatus status = reloader_.reload("file");
  EXPECT_EQ(status.last_diff.needs_restart,
            (std::vector<std::string>{"server.listen", "log.level"}));
  ASSERT_EQ(applied_.size(), 1U);
  EXPECT_EQ(applied_[0].settings->server.listen, Settings().server.listen);
  EXPECT_EQ(applied_[0].settings->server.drain_timeout, Millis(7));
  EXPECT_EQ(applied_[0].settings->log.level, "info");
}

TEST(SettingsDiff, NamesEveryKindOfPart) {
  Settings before = withAgents({"default/same", "default/gone", "default/other"});
  Settings after = withAgents({"default/same", "default/new", "default/other"});
  after.agents[2].instructions = "changed";
  before.tools["t"].name = "t";
  after.tools["t"].name = "t";
  after.tools["t"].description = "changed";
  after.mcp_servers["m"].name = "m";
  after.upstreams["lm"].api_key = "a new secret";
  const SettingsDiff diff = diffSettings(before, after);
  EXPECT_EQ(diff.added, (std::vector<std::string>{"mcp_server m", "agent default/new"}));
  EXPECT_EQ(diff.changed,
            (std::vector<std::string>{"upstream lm", "tool t", "agent default/other"}));
  EXPECT_EQ(diff.removed, std::vector<std::string>{"agent default/gone"});
  EXPECT_TRUE(diffSettings(after, after).empty());
}

}  // namespace
}  // namespace agw::config
