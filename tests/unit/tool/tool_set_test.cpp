#include "tool/tool_set.h"

#include <gtest/gtest.h>

#include "support/memory_log.h"
#include "tests/unit/mcp/fake_http_client.h"
#include "tests/unit/mcp/fake_mcp_server.h"

namespace agw::test {
namespace {

class ToolSet : public ::testing::Test {
 protected:
  ToolSet() : client(context), server(client) {
    server.answers["tools/call"] = [](const io::HttpRequest&, const std::string& id) {
      return json(FakeMcpServer::text(id, "sunny"));
    };
    addServer("w");
    addTool("weather", config::ToolProvider::Mcp, "w");
    addTool("post", config::ToolProvider::Http);
  }
  void addServer(const std::string& name, const std::string& error = {}) {
    config::McpServerSettings entry;
    entry.name = name;
    entry.url = parseUrl("http://127.0.0.1:9/" + name).value();
    entry.error = error;
    settings.mcp_servers[name] = entry;
  }
  void addTool(const std::string& name, config::ToolProvider provider,
               const std::string& mcp_server = {}, const std::string& error = {}) {
    config::ToolSettings entry;
    entry.name = name;
    entry.provider = provider;
    entry.url = parseUrl("http://127.0.0.1:9/tool").value();
    entry.mcp_server = mcp_server;
    entry.mcp_method = "get_weather";
    entry.error = error;
    settings.tools[name] = entry;
  }
  tool::ToolResult call(tool::Tool& tool) {
    return runOn(context, tool.call({"{}", Deadline::in(Millis(2000)), "", ""}));
  }

  net::io_context context;
  FakeHttpClient client;
  FakeMcpServer server;
  MemoryLog log;
  config::Settings settings;
};

TEST_F(ToolSet, HasAToolForEveryEntryThatCanBeBuilt) {
  addServer("broken", "stdio is not built");
  addTool("lost", config::ToolProvider::Mcp, "broken");
  addTool("local", config::ToolProvider::Local);
  addTool("bad", config::ToolProvider::Http, "", "no url");
  addTool("agents/a#inline", config::ToolProvider::Http);
  const tool::ToolSet tools(context, client, settings, log);
  EXPECT_NE(tools.find("weather"), nullptr);
  EXPECT_NE(tools.find("post"), nullptr);
  EXPECT_NE(tools.find("agents/a#inline"), nullptr);
  for (const char* name : {"lost", "local", "bad", "unknown", ""}) {
    EXPECT_EQ(tools.find(name), nullptr) << name;
  }
  EXPECT_TRUE(client.requests.empty());
}

TEST_F(ToolSet, LetsToolsOfOneServerShareASession) {
  addTool("again", config::ToolProvider::Mcp, "w");
  const tool::ToolSet tools(context, client, settings, log);
  EXPECT_EQ(call(*tools.find("weather")).text, "sunny");
  EXPECT_EQ(call(*tools.find("again")).text, "sunny");
  EXPECT_EQ(client.bodiesOf("initialize").size(), 1u);
}

TEST_F(ToolSet, EndsAllSessionsSideBySide) {
  for (const char* name : {"x", "y"}) {
    addServer(name);
    addTool(std::string("t-") + name, config::ToolProvider::Mcp, name);
  }
  tool::ToolSet tools(context, client, settings, log);
  for (const char* name : {"weather", "t-x", "t-y"}) call(*tools.find(name));
  server.answers["DELETE"] = [](const io::HttpRequest&, const std::string&) {
    Canned canned = plain(200);
    canned.delay = Millis(300);
    return canned;
  };
  const auto start = Clock::now();
  runOn(context, tools.close());
  const auto took = Clock::now() - start;
  int deleted = 0;
  for (const auto& request : client.requests) deleted += request.method == "DELETE" ? 1 : 0;
  EXPECT_EQ(deleted, 3);
  EXPECT_GE(took, Millis(300));
  EXPECT_LT(took, Millis(850));  // one after the other it would be 900
}

}  // namespace
}  // namespace agw::test
