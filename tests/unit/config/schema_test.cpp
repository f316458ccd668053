#include "config/schema.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "config_test_support.h"

namespace agw::config {
namespace {

std::string documentation() {
  std::ifstream file(std::string(AGW_SOURCE_DIR) + "/docs/configuration.md");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Schema, IsWhatTheDocumentationSays) {
  const std::string text = documentation();
  for (const Section* section : allSections()) {
    EXPECT_NE(text.find(markdownTable(*section)), std::string::npos)
        << "docs/configuration.md must hold this table of \"" << section->path << "\":\n"
        << markdownTable(*section);
  }
}

TEST(Schema, NamesEveryKeyOnce) {
  for (const Section* section : allSections()) {
    std::set<std::string_view> names;
    for (const Key& key : section->keys) {
      EXPECT_TRUE(names.insert(key.name).second) << section->path << ' ' << key.name;
      EXPECT_FALSE(key.type.empty());
      EXPECT_FALSE(key.default_value.empty());
      EXPECT_FALSE(key.meaning.empty());
    }
  }
}

// The defaults of `section` written out, e.g. "threads: 0, drain_timeout: 30s".
std::string writtenDefaults(const Section& section) {
  std::string out;
  for (const Key& key : section.keys) {
    if (key.default_value == "required" || key.default_value == "none") continue;
    out += ", " + std::string(key.name) + ": \"" + std::string(key.default_value) + '"';
  }
  return out;
}

TEST(Schema, GivesTheDefaultsThatTheSettingsHave) {
  const std::string head = "upstreams: {up: {base_url: \"http://h/\"";
  const auto yaml = [&head](bool written) {
    const auto defaults = [written](const Section& section) {
      return written ? writtenDefaults(section) : std::string();
    };
    const auto whole = [&defaults](const Section& section) {
      const std::string inner = defaults(section);
      return inner.empty() ? "{}" : "{" + inner.substr(2) + "}";
    };
    return head + defaults(kUpstreamSection) + "}}\nserver: " + whole(kServerSection) +
           "\ndefaults: " + whole(kDefaultsSection) + "\nlog: " + whole(kLogSection) +
           "\nmcp_servers: {m: {url: \"http://h/\"" + defaults(kMcpServerSection) +
           "}}\ntools: [{name: t, provider: http, url: \"http://h/\"" + defaults(kToolSection) +
           "}]\nagents: [{name: a, upstream: up, model: m, instructions: x" +
           defaults(kAgentSection) + ", policies: " + whole(kPoliciesSection) + "}]\n";
  };
  const LoadResult left_out = parse(yaml(false));
  const LoadResult written = parse(yaml(true));
  ASSERT_EQ(lines(left_out.problems), "");
  ASSERT_EQ(lines(written.problems), "") << yaml(true);

  const Settings& a = left_out.settings;
  const Settings& b = written.settings;
  EXPECT_EQ(a.server.listen, b.server.listen);
  EXPECT_EQ(a.server.threads, b.server.threads);
  EXPECT_EQ(a.server.edge_secret_file, b.server.edge_secret_file);
  EXPECT_EQ(a.server.drain_timeout, b.server.drain_timeout);
  EXPECT_EQ(a.server.keep_alive_interval, b.server.keep_alive_interval);
  EXPECT_EQ(a.log.level, b.log.level);
  EXPECT_EQ(a.upstreams, b.upstreams);
  EXPECT_EQ(a.mcp_servers.at("m").timeout, b.mcp_servers.at("m").timeout);
  EXPECT_EQ(a.tools.at("t").timeout, b.tools.at("t").timeout);
  EXPECT_EQ(a.tools.at("t").method, b.tools.at("t").method);
  EXPECT_EQ(a.tools.at("t").max_response_bytes, b.tools.at("t").max_response_bytes);
  EXPECT_EQ(a.agents.at(0).id, b.agents.at(0).id);
  EXPECT_EQ(a.agents.at(0).kind, b.agents.at(0).kind);
  const AgentPolicies& pa = a.agents.at(0).policies;
  const AgentPolicies& pb = b.agents.at(0).policies;
  EXPECT_EQ(pa.max_tool_hops, pb.max_tool_hops);
  EXPECT_EQ(pa.max_run, pb.max_run);
  EXPECT_EQ(pa.max_parallel_tools, pb.max_parallel_tools);
  EXPECT_EQ(pa.max_tool_result_bytes, pb.max_tool_result_bytes);
}

}  // namespace
}  // namespace agw::config
