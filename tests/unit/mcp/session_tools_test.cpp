#include "tests/unit/mcp/session_test_support.h"

namespace agw::test {
namespace {

using Server = FakeMcpServer;

std::string toolPage(const std::string& names, const std::string& cursor = {}) {
  std::string out = R"({"tools":[)";
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += ',';
    out += R"({"name":")";
    out += names[i];
    out += R"(","inputSchema":{"type":"object"}})";
  }
  out += "]";
  if (!cursor.empty()) out += R"(,"nextCursor":")" + cursor + "\"";
  return out + "}";
}

class SessionTools : public SessionTest {
 protected:
  SessionTools() {
    server.answers["tools/list"] = [this](const io::HttpRequest&, const std::string& id) {
      return json(Server::result(id, toolPage(names)));
    };
  }
  std::string listed() {
    const auto tools = list();
    if (!tools) return "error: " + tools.error().message;
    std::string out;
    for (const auto& tool : **tools) out += tool.name;
    return out;
  }
  std::string names = "ab";
};

TEST_F(SessionTools, AreListedOnceAndThenComeFromMemory) {
  EXPECT_EQ(listed(), "ab");
  names = "c";
  EXPECT_EQ(listed(), "ab");
  EXPECT_EQ(count("tools/list"), 1u);
}

TEST_F(SessionTools, FollowTheCursorToTheLastPage) {
  server.answers["tools/list"] = [](const io::HttpRequest& request, const std::string& id) {
    const std::string cursor = Server::between(request.body.view(), R"("cursor":")", "\"");
    if (cursor.empty()) return json(Server::result(id, toolPage("a", "p2")));
    if (cursor == "p2") return json(Server::result(id, toolPage("b", "p3")));
    return json(Server::result(id, toolPage("c")));
  };
  EXPECT_EQ(listed(), "abc");
}

TEST_F(SessionTools, StopAtTheSameCursorAndAtThePageLimit) {
  server.answers["tools/list"] = [](const io::HttpRequest&, const std::string& id) {
    return json(Server::result(id, toolPage("a", "same")));
  };
  EXPECT_EQ(listed(), "aa");
  EXPECT_TRUE(logged("mcp_list_cut"));

  dropSession();
  options.max_pages = 3;
  int page = 0;
  server.answers["tools/list"] = [&](const io::HttpRequest&, const std::string& id) {
    return json(Server::result(id, toolPage("a", std::to_string(++page))));
  };
  EXPECT_EQ(listed(), "aaa");
}

TEST_F(SessionTools, AreListedAgainWhenTheServerSaysThatTheyChanged) {
  ASSERT_EQ(listed(), "ab");
  names = "c";
  answerCallsWith([](const std::string& id) {
    return eventStream(
        {Server::event(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})"),
         Server::event(Server::text(id, "x"))});
  });
  ASSERT_TRUE(call("t").has_value());
  EXPECT_EQ(listed(), "c");
  EXPECT_EQ(listed(), "c");
  EXPECT_EQ(count("tools/list"), 2u);
}

TEST_F(SessionTools, AreListedAgainWhenTheyAreOld) {
  options.tool_list_lifetime = Millis(0);
  ASSERT_EQ(listed(), "ab");
  names = "c";
  EXPECT_EQ(listed(), "c");
}

TEST_F(SessionTools, StayWhenTheyCannotBeListedAgain) {
  options.tool_list_lifetime = Millis(0);
  ASSERT_EQ(listed(), "ab");
  server.answers["tools/list"] = [](const io::HttpRequest&, const std::string&) {
    return plain(500);
  };
  EXPECT_EQ(listed(), "ab");
  EXPECT_TRUE(logged("mcp_list_failed"));
  server.answers["tools/list"] = [](const io::HttpRequest&, const std::string&) {
    return silent();
  };
  const auto tools = list(Millis(30));
  ASSERT_TRUE(tools.has_value());
  EXPECT_EQ((*tools)->size(), 2u);
}

TEST_F(SessionTools, FailWhenTheyWereNeverListed) {
  server.answers["tools/list"] = [](const io::HttpRequest&, const std::string&) {
    return plain(500);
  };
  EXPECT_FALSE(list().has_value());
  dropSession();
  client.script = {unreachable()};
  EXPECT_EQ(list().error().code, ErrorCode::UpstreamUnreachable);
}

TEST_F(SessionTools, AreNoneOnAServerThatDoesNotKnowTheMethod) {
  server.answers.erase("tools/list");
  const auto tools = list();
  ASSERT_TRUE(tools.has_value());
  EXPECT_TRUE((*tools)->empty());
}

TEST_F(SessionTools, AreListedOnceForManyCallers) {
  int good = 0;
  for (int i = 0; i < 20; ++i) {
    net::co_spawn(context, session().listTools(Deadline::in(Millis(2000))),
                  [&](std::exception_ptr failure, Result<mcp::ToolList> tools) {
                    if (!failure && tools && (*tools)->size() == 2) ++good;
                  });
  }
  settle();
  EXPECT_EQ(good, 20);
  EXPECT_EQ(count("tools/list"), 1u);
  EXPECT_EQ(count("initialize"), 1u);
}

TEST_F(SessionTools, AreListedAgainAfterTheSessionWasLost) {
  ASSERT_EQ(listed(), "ab");
  names = "c";
  answerCallsWith([](const std::string& id) { return json(Server::text(id, "x")); });
  client.script = {plain(404)};
  ASSERT_TRUE(call("t").has_value());
  EXPECT_EQ(listed(), "c");
}

TEST_F(SessionTools, KeepTheListThatACallerHolds) {
  options.tool_list_lifetime = Millis(0);
  const auto held = list();
  ASSERT_TRUE(held.has_value());
  names = "c";
  ASSERT_EQ(listed(), "c");
  EXPECT_EQ((*held)->size(), 2u);
}

}  // namespace
}  // namespace agw::test
