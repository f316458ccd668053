#include "tests/unit/mcp/session_test_support.h"

namespace agw::test {
namespace {

using Server = FakeMcpServer;

class SessionHandshake : public SessionTest {
 protected:
  SessionHandshake() {
    answerCallsWith([](const std::string& id) { return json(Server::text(id, "ok")); });
  }
};

TEST_F(SessionHandshake, AcceptsEveryRevisionThatItKnows) {
  for (const char* version : {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"}) {
    dropSession();
    server.version = version;
    ASSERT_TRUE(call("t").has_value()) << version;
    EXPECT_EQ(header(client.requests.back(), "mcp-protocol-version"), version);
  }
}

TEST_F(SessionHandshake, LeavesAServerOfAnotherRevision) {
  server.version = "2099-01-01";
  const auto outcome = call("t");
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().message,
            R"(The MCP server "weather" speaks no protocol revision that this gateway knows.)");
  EXPECT_TRUE(outcome.error().retryable);
  settle();
  EXPECT_EQ(client.requests.back().method, "DELETE");
  EXPECT_EQ(header(client.requests.back(), "mcp-session-id"), "s-1");
  EXPECT_EQ(count("notifications/initialized"), 0u);
  EXPECT_TRUE(logged("2099-01-01"));
}

TEST_F(SessionHandshake, ToleratesOtherGoodAnswersToInitialized) {
  for (const int status : {200, 202, 204}) {
    dropSession();
    server.notification_status = status;
    EXPECT_TRUE(call("t").has_value()) << status;
  }
  dropSession();
  server.notification_status = 500;
  EXPECT_FALSE(call("t").has_value());
}

TEST_F(SessionHandshake, ReadsInitializeFromAnEventStream) {
  server.answers["initialize"] = [](const io::HttpRequest&, const std::string& id) {
    Canned canned =
        eventStream({Server::event(Server::result(id, R"({"protocolVersion":"2025-06-18"})"))});
    canned.headers.push_back({"mcp-session-id", "s-9"});
    return canned;
  };
  ASSERT_TRUE(call("t").has_value());
  EXPECT_EQ(header(client.requests.back(), "mcp-session-id"), "s-9");
}

TEST_F(SessionHandshake, RefusesASessionIdThatWouldBreakAHeader) {
  server.session_id = "a\r\nEvil: 1";
  EXPECT_FALSE(call("t").has_value());
  EXPECT_EQ(count("notifications/initialized"), 0u);
}

TEST_F(SessionHandshake, IsSharedByConcurrentCalls) {
  std::vector<Result<mcp::CallOutcome>> outcomes;
  for (int i = 0; i < 20; ++i) {
    mcp::CallOptions call_options;
    call_options.deadline = Deadline::in(Millis(2000));
    net::co_spawn(context, session().callTool("t", "{}", call_options),
                  [&](std::exception_ptr failure, Result<mcp::CallOutcome> outcome) {
                    ASSERT_FALSE(failure);
                    outcomes.push_back(std::move(outcome));
                  });
  }
  settle();
  ASSERT_EQ(outcomes.size(), 20u);
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome.has_value());
  EXPECT_EQ(count("initialize"), 1u);
  EXPECT_EQ(count("notifications/initialized"), 1u);
  EXPECT_EQ(count("tools/call"), 20u);
}

TEST_F(SessionHandshake, GoesOnWhenTheCallerThatBeganItIsGone) {
  server.answers["initialize"] = [](const io::HttpRequest&, const std::string& id) {
    Canned canned = json(Server::result(id, R"({"protocolVersion":"2025-11-25"})"));
    canned.delay = Millis(40);
    return canned;
  };
  const auto first = call("t", "{}", Millis(5));
  ASSERT_FALSE(first.has_value());
  EXPECT_EQ(first.error().code, ErrorCode::UpstreamTimeout);
  EXPECT_TRUE(first.error().retryable);
  EXPECT_TRUE(call("t").has_value());
  EXPECT_EQ(count("initialize"), 1u);
}

TEST_F(SessionHandshake, FailsFastForAWhileAfterAFailureAndThenTriesAgain) {
  options.first_pause = Millis(60);
  client.script = {unreachable()};
  const auto failed = call("t");
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().code, ErrorCode::UpstreamUnreachable);
  EXPECT_TRUE(failed.error().retryable);
  EXPECT_TRUE(logged("mcp_connect_failed"));

  EXPECT_EQ(call("t").error().code, ErrorCode::UpstreamUnreachable);
  EXPECT_EQ(client.requests.size(), 1u);

  net::steady_timer pause(context, Millis(70));
  pause.wait();
  EXPECT_TRUE(call("t").has_value());
}

// The times between attempts to connect, while calls are made all the time.
class SessionPauses : public SessionHandshake {
 protected:
  std::vector<Millis> pauses(std::size_t wanted) {
    server.answers["initialize"] = [](const io::HttpRequest&, const std::string&) {
      return unreachable();
    };
    std::vector<Millis> out;
    // From before one attempt until after the next: never less than the pause between them, however
    // late this thread is.
    auto before_last = Clock::now();
    EXPECT_FALSE(call("t").has_value());
    while (out.size() < wanted) {
      const std::size_t attempts = client.requests.size();
      const auto before = Clock::now();
      EXPECT_FALSE(call("t").has_value());
      if (client.requests.size() > attempts) {
        out.push_back(std::chrono::ceil<Millis>(Clock::now() - before_last));
        before_last = before;
        continue;
      }
      net::steady_timer step(context, std::chrono::microseconds(200));
      step.wait();
    }
    return out;
  }
};

TEST_F(SessionPauses, GetLongerWithEachFailure) {
  options.first_pause = Millis(20);
  options.longest_pause = Millis(1000);
  const auto seen = pauses(3);
  EXPECT_GE(seen[0], Millis(19));
  EXPECT_GE(seen[1], Millis(39));
  EXPECT_GE(seen[2], Millis(79));
}

TEST_F(SessionPauses, HaveALimit) {
  options.first_pause = Millis(1);
  options.longest_pause = Millis(2);
  const auto start = Clock::now();
  pauses(15);  // with doubling alone this would take half a minute
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(10));
}

TEST_F(SessionHandshake, DoesNotShowTheServersWordsWhenItRefuses) {
  client.script = {plain(401, "token t0ken is bad")};
  const auto outcome = call("t");
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::UpstreamAuth);
  EXPECT_EQ(outcome.error().message,
            R"(The MCP server "weather" refused the gateway's credentials.)");
  EXPECT_TRUE(outcome.error().retryable);
}

TEST_F(SessionHandshake, IsMadeAgainWhenTheServerForgotTheSession) {
  const std::vector<Canned> refusals = {
      plain(404, Server::error("null", -32001, "Session not found")), plain(404),
      plain(400, Server::error("null", -32000, "Bad Request: No valid session ID provided")),
      plain(400, Server::error("null", -32000, "Bad Request: Server not initialized"))};
  for (std::size_t i = 0; i < refusals.size(); ++i) {
    ASSERT_TRUE(call("t").has_value());
    const std::size_t handshakes = count("initialize");
    const std::size_t calls = count("tools/call");
    server.session_id = "again-" + std::to_string(i);
    client.script = {refusals[i]};
    const auto outcome = call("t");
    ASSERT_TRUE(outcome.has_value()) << i;
    EXPECT_EQ(count("initialize"), handshakes + 1);
    EXPECT_EQ(count("tools/call"), calls + 2);
    EXPECT_EQ(header(client.requests.back(), "mcp-session-id"), server.session_id);
  }
  EXPECT_TRUE(logged("mcp_session_lost"));
}

TEST_F(SessionHandshake, IsMadeAgainOnceOnly) {
  answerCallsWith([](const std::string&) { return plain(404); });
  const auto outcome = call("t");
  ASSERT_FALSE(outcome.has_value());
  EXPECT_TRUE(outcome.error().retryable);
  EXPECT_EQ(count("initialize"), 2u);
  EXPECT_EQ(count("tools/call"), 2u);
}

TEST_F(SessionHandshake, IsMadeOnceForAllCallsThatLostTheSession) {
  ASSERT_TRUE(call("t").has_value());
  const std::string old_id = server.session_id;
  server.session_id = "s-2";
  server.answers["tools/call"] = [&](const io::HttpRequest& request, const std::string& id) {
    if (header(request, "mcp-session-id") == old_id) return plain(404);
    return json(Server::text(id, "ok"));
  };
  int good = 0;
  for (int i = 0; i < 10; ++i) {
    mcp::CallOptions call_options;
    call_options.deadline = Deadline::in(Millis(2000));
    net::co_spawn(context, session().callTool("t", "{}", call_options),
                  [&](std::exception_ptr failure, Result<mcp::CallOutcome> outcome) {
                    if (!failure && outcome) ++good;
                  });
  }
  settle();
  EXPECT_EQ(good, 10);
  EXPECT_EQ(count("initialize"), 2u);
}

}  // namespace
}  // namespace agw::test
