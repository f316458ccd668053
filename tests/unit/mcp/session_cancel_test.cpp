#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "tests/unit/mcp/session_test_support.h"

namespace agw::test {
namespace {

using Server = FakeMcpServer;

class SessionCancel : public SessionTest {
 protected:
  // Starts a call and returns when it has been sent.
  void startCall() {
    mcp::CallOptions call_options;
    call_options.deadline = Deadline::in(Millis(5000));
    net::co_spawn(context, session().callTool("slow", "{}", call_options),
                  net::bind_cancellation_slot(
                      signal.slot(), [this](std::exception_ptr error, Result<mcp::CallOutcome>) {
                        ended = true;
                        failed = error != nullptr;
                      }));
    context.restart();
    while (count("tools/call") == 0 && context.run_one() > 0) {
    }
  }
  std::string cancelNotice() const {
    const auto notices = client.bodiesOf("notifications/cancelled");
    return notices.size() == 1 ? notices.front() : std::to_string(notices.size()) + " notices";
  }

  net::cancellation_signal signal;
  bool ended = false;
  bool failed = false;
};

constexpr const char* kCancelled =
    R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2,)"
    R"("reason":"the request was cancelled"}})";

TEST_F(SessionCancel, TellsTheServerWhenTheCallTimesOut) {
  answerCallsWith([](const std::string&) { return silent(); });
  const auto outcome = call("slow", "{}", Millis(30));
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(outcome.error().code, ErrorCode::UpstreamTimeout);
  EXPECT_EQ(outcome.error().message, R"(The MCP server "weather" did not answer in time.)");
  EXPECT_FALSE(outcome.error().retryable);
  settle();
  EXPECT_EQ(cancelNotice(),
            R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2,)"
            R"("reason":"the request timed out"}})");
  EXPECT_EQ(header(client.requests.back(), "mcp-session-id"), "s-1");
}

TEST_F(SessionCancel, TakesTheServersTimeoutWhenThatIsEarlier) {
  settings.timeout = Millis(30);
  answerCallsWith([](const std::string&) { return silent(); });
  const auto start = Clock::now();
  EXPECT_FALSE(call("slow", "{}", Millis(5000)).has_value());
  EXPECT_LT(Clock::now() - start, Millis(2000));
}

TEST_F(SessionCancel, TellsTheServerWhenTheStreamStalls) {
  answerCallsWith([](const std::string&) { return eventStream({"id: 1\ndata: \n\n"}, End::Hang); });
  EXPECT_EQ(call("slow", "{}", Millis(30)).error().code, ErrorCode::UpstreamTimeout);
  settle();
  EXPECT_EQ(client.bodiesOf("notifications/cancelled").size(), 1u);
}

TEST_F(SessionCancel, TellsTheServerWhenTheCallIsCancelled) {
  answerCallsWith([](const std::string&) { return silent(); });
  startCall();
  signal.emit(net::cancellation_type::terminal);
  settle();
  EXPECT_TRUE(ended);
  EXPECT_EQ(cancelNotice(), kCancelled);
}

TEST_F(SessionCancel, TellsTheServerWhenTheCallIsCancelledInItsStream) {
  answerCallsWith([](const std::string&) { return eventStream({": on\n\n"}, End::Hang); });
  startCall();
  while (client.open_responses == 0 && context.run_one() > 0) {
  }
  signal.emit(net::cancellation_type::terminal);
  settle();
  EXPECT_TRUE(ended);
  EXPECT_EQ(cancelNotice(), kCancelled);
  EXPECT_EQ(client.open_responses, 0);
}

TEST_F(SessionCancel, SaysNothingAboutACallThatWasAnswered) {
  answerCallsWith([](const std::string& id) { return json(Server::text(id, "x")); });
  ASSERT_TRUE(call("t").has_value());
  answerCallsWith([](const std::string& id) { return json(Server::error(id, -32603, "x")); });
  ASSERT_FALSE(call("t").has_value());
  answerCallsWith([](const std::string&) { return unreachable(); });
  ASSERT_FALSE(call("t").has_value());
  settle();
  EXPECT_TRUE(client.bodiesOf("notifications/cancelled").empty());
}

TEST_F(SessionCancel, NeverCancelsInitialize) {
  settings.timeout = Millis(30);
  server.answers["initialize"] = [](const io::HttpRequest&, const std::string&) {
    return silent();
  };
  EXPECT_EQ(call("t").error().code, ErrorCode::UpstreamTimeout);
  settle();
  EXPECT_EQ(client.requests.size(), 1u);
}

TEST_F(SessionCancel, LetsACallOutliveItsSession) {
  answerCallsWith([](const std::string& id) {
    Canned canned = json(Server::text(id, "x"));
    canned.delay = Millis(20);
    return canned;
  });
  startCall();
  dropSession();
  settle();
  EXPECT_TRUE(ended);
  EXPECT_FALSE(failed);
}

TEST_F(SessionCancel, LeavesNothingBehindWhenTheContextEndsInACall) {
  auto own_context = std::make_unique<net::io_context>();
  FakeHttpClient own_client(*own_context);
  FakeMcpServer own_server(own_client);
  own_server.answers["tools/call"] = [](const io::HttpRequest&, const std::string&) {
    return silent();
  };
  auto own_session =
      mcp::makeHttpSession(*own_context, own_client, settings, mcp::SessionOptions(), log);
  mcp::CallOptions call_options;
  call_options.deadline = Deadline::in(Millis(5000));
  net::co_spawn(*own_context, own_session->callTool("slow", "{}", call_options),
                [](std::exception_ptr, Result<mcp::CallOutcome>) { FAIL() << "must not end"; });
  while (own_client.bodiesOf("tools/call").empty() && own_context->run_one() > 0) {
  }
  own_session.reset();
  own_context.reset();
  EXPECT_TRUE(own_client.bodiesOf("notifications/cancelled").empty());
}

TEST_F(SessionCancel, EndsTheSessionOnTheServer) {
  answerCallsWith([](const std::string& id) { return json(Server::text(id, "x")); });
  server.answers["DELETE"] = [](const io::HttpRequest&, const std::string&) { return plain(405); };
  ASSERT_TRUE(call("t").has_value());
  runOn(context, session().close());
  EXPECT_EQ(client.requests.back().method, "DELETE");
  EXPECT_EQ(header(client.requests.back(), "mcp-session-id"), "s-1");
  EXPECT_FALSE(logged("mcp_end_failed"));

  const std::size_t before = client.requests.size();
  const auto outcome = call("t");
  ASSERT_FALSE(outcome.has_value());
  EXPECT_TRUE(outcome.error().retryable);
  EXPECT_EQ(client.requests.size(), before);
}

TEST_F(SessionCancel, DoesNotCloseWhatWasNeverOpened) {
  runOn(context, session().close());
  EXPECT_TRUE(client.requests.empty());
}

TEST_F(SessionCancel, SendsWhatTheServerShouldHearBeforeItCloses) {
  answerCallsWith([](const std::string&) { return silent(); });
  EXPECT_FALSE(call("slow", "{}", Millis(20)).has_value());
  runOn(context, session().close());
  EXPECT_EQ(client.bodiesOf("notifications/cancelled").size(), 1u);
}

}  // namespace
}  // namespace agw::test
