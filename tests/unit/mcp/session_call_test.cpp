#include "tests/unit/mcp/session_test_support.h"

namespace agw::test {
namespace {

using Server = FakeMcpServer;

class SessionCall : public SessionTest {
 protected:
  SessionCall() {
    answerCallsWith([](const std::string& id) { return json(Server::text(id, "sunny")); });
  }
};

TEST_F(SessionCall, ShakesHandsBeforeTheFirstCall) {
  const auto outcome = call("get_weather", R"({"city":"Oslo"})");
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->text, "sunny");
  EXPECT_FALSE(outcome->is_error);

  ASSERT_EQ(client.requests.size(), 3u);
  const auto& hello = client.requests[0];
  EXPECT_EQ(hello.method, "POST");
  EXPECT_EQ(hello.url.target, "/mcp?k=s3cret");
  EXPECT_NE(hello.body.view().find(R"("protocolVersion":"2025-11-25")"), std::string::npos);
  EXPECT_EQ(header(hello, "accept"), "application/json, text/event-stream");
  EXPECT_EQ(header(hello, "content-type"), "application/json");
  EXPECT_EQ(header(hello, "authorization"), "Bearer t0ken");
  EXPECT_EQ(header(hello, "mcp-session-id"), "");
  EXPECT_EQ(header(hello, "mcp-protocol-version"), "");

  EXPECT_EQ(client.requests[1].body, R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  EXPECT_EQ(
      client.requests[2].body,
      R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"get_weather","arguments":{"city":"Oslo"}}})");
  for (const std::size_t i : {1u, 2u}) {
    EXPECT_EQ(header(client.requests[i], "mcp-session-id"), "s-1");
    EXPECT_EQ(header(client.requests[i], "mcp-protocol-version"), "2025-11-25");
    EXPECT_EQ(header(client.requests[i], "authorization"), "Bearer t0ken");
  }
}

TEST_F(SessionCall, KeepsTheSessionForFurtherCalls) {
  ASSERT_TRUE(call("a").has_value());
  ASSERT_TRUE(call("b").has_value());
  EXPECT_EQ(count("initialize"), 1u);
  EXPECT_NE(client.requests.back().body.view().find(R"("id":3)"), std::string::npos);
}

TEST_F(SessionCall, SendsTheTraceInMeta) {
  mcp::CallOptions call_options{Deadline::in(Millis(1000)), "00-1-2-01"};
  ASSERT_TRUE(runOn(context, session().callTool("t", "", call_options)).has_value());
  EXPECT_NE(client.requests.back().body.view().find(
                R"("arguments":{},"_meta":{"traceparent":"00-1-2-01"})"),
            std::string::npos);
}

TEST_F(SessionCall, WorksWithoutASessionId) {
  server.session_id = "";
  ASSERT_TRUE(call("t").has_value());
  EXPECT_EQ(header(client.requests.back(), "mcp-session-id"), "");
  EXPECT_EQ(header(client.requests.back(), "mcp-protocol-version"), "2025-11-25");
}

TEST_F(SessionCall, RefusesArgumentsThatAreNoObjectBeforeAnythingIsSent) {
  const auto outcome = call("t", R"({},"name":"rm")");
  ASSERT_FALSE(outcome.has_value());
  EXPECT_TRUE(outcome.error().retryable);
  EXPECT_EQ(outcome.error().source, ErrorSource::Tool);
  EXPECT_TRUE(client.requests.empty());
}

TEST_F(SessionCall, ReadsTheAnswerFromAnEventStream) {
  answerCallsWith([](const std::string& id) {
    const std::string bytes =
        "id: 1\ndata: \n\n: note\n\n" +
        Server::event(R"({"jsonrpc":"2.0","method":"notifications/progress","params":{}})") +
        Server::event(Server::text("99", "not for us")) + Server::event(Server::text(id, "rain"));
    Canned canned = eventStream({});
    for (const char c : bytes) canned.pieces.push_back(std::string(1, c));
    return canned;
  });
  const auto outcome = call("t");
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->text, "rain");
  settle();
  EXPECT_EQ(client.open_responses, 0);
}

TEST_F(SessionCall, ReadsTheEndOfAStreamAfterTheAnswerSoThatTheConnectionCanBeUsedAgain) {
  answerCallsWith(
      [](const std::string& id) { return eventStream({Server::event(Server::text(id, "x"))}); });
  ASSERT_TRUE(call("t").has_value());
  settle();
  EXPECT_EQ(client.read_to_end, 3);  // initialize, notifications/initialized and the call
}

TEST_F(SessionCall, TakesAnAnswerWhoseLastBlankLineIsMissing) {
  answerCallsWith(
      [](const std::string& id) { return eventStream({"data: " + Server::text(id, "x") + "\n"}); });
  EXPECT_TRUE(call("t").has_value());
}

TEST_F(SessionCall, AnswersThePingOfTheServerWhileItWaits) {
  answerCallsWith([](const std::string& id) {
    return eventStream(
        {Server::event(R"({"jsonrpc":"2.0","id":"p-1","method":"ping"})"),
         Server::event(R"({"jsonrpc":"2.0","id":5,"method":"sampling/createMessage","params":{}})"),
         Server::event(Server::text(id, "x"))});
  });
  ASSERT_TRUE(call("t").has_value());
  settle();
  std::vector<std::string> answers;
  for (const auto& request : client.requests) {
    const std::string_view body = request.body.view();
    if (body.find("\"method\"") == std::string_view::npos) answers.emplace_back(body);
  }
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0], R"({"jsonrpc":"2.0","id":"p-1","result":{}})");
  EXPECT_NE(answers[1].find(R"("id":5,"error":{"code":-32601)"), std::string::npos);
  EXPECT_EQ(header(client.requests.back(), "mcp-session-id"), "s-1");
}

TEST_F(SessionCall, ResumesAStreamThatEndedBeforeTheAnswer) {
  answerCallsWith(
      [](const std::string&) { return eventStream({"id: e-7\nretry: 30\ndata: \n\n"}); });
  server.answers["GET"] = [&](const io::HttpRequest&, const std::string&) {
    return eventStream({"id: e-8\n" + Server::event(Server::text("2", "late"))});
  };
  const auto start = Clock::now();
  const auto outcome = call("t");
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->text, "late");
  EXPECT_GE(Clock::now() - start, Millis(30));
  const auto& get = client.requests.back();
  EXPECT_EQ(get.method, "GET");
  EXPECT_EQ(header(get, "last-event-id"), "e-7");
  EXPECT_EQ(header(get, "accept"), "text/event-stream");
  EXPECT_EQ(header(get, "mcp-session-id"), "s-1");
  EXPECT_EQ(count("tools/call"), 1u);
}

TEST_F(SessionCall, ResumesAlsoWhenTheConnectionBroke) {
  answerCallsWith([](const std::string&) {
    return eventStream({"id: e-1\nretry: 1\ndata: \n\ndata: {\"cut"}, End::Truncated);
  });
  int tries = 0;
  server.answers["GET"] = [&](const io::HttpRequest&, const std::string&) {
    ++tries;
    if (tries == 1) return unreachable();
    if (tries == 2) return plain(503);
    return eventStream({Server::event(Server::text("2", "late"))});
  };
  const auto outcome = call("t");
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->text, "late");
}

TEST_F(SessionCall, GivesUpAStreamThatBreaksTooOften) {
  answerCallsWith([](const std::string&) { return eventStream({"id: 1\nretry: 1\ndata:\n\n"}); });
  server.answers["GET"] = [](const io::HttpRequest&, const std::string&) {
    return eventStream({});
  };
  const auto outcome = call("t");
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::UpstreamStreamTruncated);
  EXPECT_FALSE(outcome.error().retryable);
}

TEST_F(SessionCall, DoesNotWaitForAResumeBeyondItsDeadline) {
  answerCallsWith(
      [](const std::string&) { return eventStream({"id: 1\nretry: 60000\ndata:\n\n"}); });
  const auto outcome = call("t");
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::UpstreamTimeout);
}

TEST_F(SessionCall, FailsWhenAStreamEndsAndCannotBeResumed) {
  answerCallsWith([](const std::string&) { return eventStream({": nothing\n\n"}); });
  const auto outcome = call("t");
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::UpstreamStreamTruncated);
  EXPECT_EQ(outcome.error().message, R"(The MCP server "weather" broke off its answer.)");
  EXPECT_FALSE(outcome.error().retryable);
}

TEST_F(SessionCall, GivesJsonRpcErrorsASafeText) {
  answerCallsWith(
      [](const std::string& id) { return json(Server::error(id, -32603, "db at 10.1.1.1 died")); });
  const auto outcome = call("t");
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::ToolFailed);
  EXPECT_EQ(outcome.error().source, ErrorSource::Tool);
  EXPECT_EQ(outcome.error().message,
            R"(The MCP server "weather" refused the call (JSON-RPC error -32603).)");
  EXPECT_NE(outcome.error().detail.find("db at 10.1.1.1 died"), std::string::npos);
}

TEST_F(SessionCall, ShowsWhatIsWrongWithTheParameters) {
  answerCallsWith(
      [](const std::string& id) { return json(Server::error(id, -32602, "city is missing")); });
  EXPECT_EQ(
      call("t").error().message,
      R"(The MCP server "weather" refused the call (JSON-RPC error -32602): city is missing)");
}

TEST_F(SessionCall, RefusesAnswersThatCannotBeUsed) {
  const std::vector<Canned> answers = {
      json("not json"),
      json(Server::text("77", "another id")),
      json(Server::result("2", "[]")),
      plain(202),
      plain(200, "<html>hello</html>"),
      eventStream({Server::event("{broken")}),
      json(std::string(5 * 1024 * 1024, ' ')),
  };
  for (std::size_t i = 0; i < answers.size(); ++i) {
    dropSession();
    answerCallsWith([&, i](const std::string&) { return answers[i]; });
    const auto outcome = call("t");
    ASSERT_FALSE(outcome.has_value()) << i;
    EXPECT_EQ(outcome.error().code, ErrorCode::UpstreamInvalidResponse) << i;
    EXPECT_FALSE(outcome.error().retryable) << i;
    EXPECT_EQ(outcome.error().message,
              R"(The MCP server "weather" gave an answer that cannot be used.)");
  }
}

TEST_F(SessionCall, BoundsAnEndlessStream) {
  answerCallsWith([](const std::string&) {
    const std::string note =
        Server::event(R"({"jsonrpc":"2.0","method":"notifications/message","params":{"data":")" +
                      std::string(64 * 1024, 'x') + "\"}}");
    return eventStream(std::vector<std::string>(400, note));
  });
  const auto outcome = call("t");
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::UpstreamInvalidResponse);
}

TEST_F(SessionCall, NamesTheStatusOfARefusal) {
  answerCallsWith([](const std::string&) { return plain(500, "stack trace with 10.0.0.7"); });
  const auto outcome = call("t");
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().message, R"(The MCP server "weather" answered with HTTP status 500.)");
  EXPECT_FALSE(outcome.error().retryable);

  answerCallsWith([](const std::string&) { return plain(401); });
  EXPECT_EQ(call("t").error().code, ErrorCode::UpstreamAuth);
  answerCallsWith([](const std::string&) { return plain(302); });
  EXPECT_EQ(call("t").error().code, ErrorCode::UpstreamError);
}

TEST_F(SessionCall, TellsWhetherTheCallCanHaveReachedTheServer) {
  ASSERT_TRUE(call("t").has_value());
  client.script = {unreachable(true)};
  const auto refused = call("t");
  EXPECT_EQ(refused.error().code, ErrorCode::UpstreamUnreachable);
  EXPECT_EQ(refused.error().message, R"(The MCP server "weather" cannot be reached.)");
  EXPECT_TRUE(refused.error().retryable);
  client.script = {unreachable(false)};
  EXPECT_FALSE(call("t").error().retryable);
}

TEST_F(SessionCall, NeverShowsTheAddressOrASecret) {
  client.script = {unreachable()};
  const auto outcome = call("t");
  ASSERT_FALSE(outcome.has_value());
  for (const char* hidden : {"10.0.0.7", "s3cret", "t0ken"}) {
    EXPECT_EQ(outcome.error().message.find(hidden), std::string::npos);
  }
  EXPECT_FALSE(logged("s3cret"));
  EXPECT_FALSE(logged("t0ken"));
}

}  // namespace
}  // namespace agw::test
