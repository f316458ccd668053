// What a session says of itself without asking anybody.
#include "tests/unit/mcp/session_test_support.h"

namespace agw::test {
namespace {

using mcp::SessionState;
using Server = FakeMcpServer;

class SessionStatusOf : public SessionTest {
 protected:
  SessionStatusOf() {
    server.answers["tools/list"] = [](const io::HttpRequest&, const std::string& id) {
      return json(
          Server::result(id, R"({"tools":[{"name":"t","inputSchema":{"type":"object"}}]})"));
    };
    answerCallsWith([](const std::string& id) { return json(Server::text(id, "x")); });
  }
};

TEST_F(SessionStatusOf, AServerThatNobodyNeededYetIsIdle) {
  const mcp::SessionStatus status = session().status();
  EXPECT_EQ(status.state, SessionState::Idle);
  EXPECT_EQ(status.tools, nullptr);
  EXPECT_EQ(status.last_error, "");
}

TEST_F(SessionStatusOf, AServerThatAnswersIsConnected) {
  ASSERT_TRUE(list().has_value());
  const mcp::SessionStatus status = session().status();
  EXPECT_EQ(status.state, SessionState::Connected);
  EXPECT_EQ(status.tools->size(), 1u);
  EXPECT_NE(status.protocol_version, "");
  EXPECT_EQ(status.last_error, "");
}

TEST_F(SessionStatusOf, AServerThatWasNeverReachedFailed) {
  client.script = {unreachable()};
  EXPECT_FALSE(call("t").has_value());
  EXPECT_EQ(session().status().state, SessionState::Failed);
  EXPECT_NE(session().status().last_error, "");
}

TEST_F(SessionStatusOf, AServerThatCannotBeReachedAnyMoreFailedUntilItAnswersAgain) {
  ASSERT_TRUE(list().has_value());
  client.script = {unreachable()};
  EXPECT_FALSE(call("t").has_value());
  const mcp::SessionStatus status = session().status();
  EXPECT_EQ(status.state, SessionState::Failed);
  EXPECT_EQ(status.protocol_version, "");
  EXPECT_EQ(status.tools->size(), 1u);
  EXPECT_NE(status.last_error, "");
  ASSERT_TRUE(call("t").has_value());
  EXPECT_EQ(session().status().state, SessionState::Connected);
  EXPECT_EQ(session().status().last_error, "");
  EXPECT_EQ(count("initialize"), 1u);
}

TEST_F(SessionStatusOf, AServerThatIsBackWithoutTheSessionIsConnectedAnew) {
  ASSERT_TRUE(list().has_value());
  client.script = {unreachable(), plain(404)};
  EXPECT_FALSE(call("t").has_value());
  ASSERT_TRUE(call("t").has_value());
  EXPECT_EQ(session().status().state, SessionState::Connected);
  EXPECT_EQ(count("initialize"), 2u);
}

TEST_F(SessionStatusOf, AListThatIsRefusedIsNoLostSession) {
  ASSERT_TRUE(list().has_value());
  server.answers["tools/list"] = [](const io::HttpRequest&, const std::string&) {
    return plain(500);
  };
  EXPECT_FALSE(runOn(context, session().refreshTools(Deadline::in(Millis(2000)))).has_value());
  EXPECT_EQ(session().status().state, SessionState::Connected);
  EXPECT_NE(session().status().last_error, "");
}

}  // namespace
}  // namespace agw::test
