#include "upstream/endpoint_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "scripted_client.h"
#include "support/coroutine.h"
#include "support/memory_log.h"
#include "upstream/shared_state.h"

namespace agw::upstream {
namespace {

using telemetry::UpstreamOutcome;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto kStream = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n";
constexpr auto kStreamEnd =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    "data: [DONE]\n\n";

class EndpointPoolTest : public testing::Test {
 protected:
  // Before the pool is built. Those of lower numbers come first.
  config::UpstreamSettings& upstream(const std::string& name) {
    config::UpstreamSettings& settings = settings_[name];
    settings.name = name;
    settings.base_url = parseUrl("http://" + name + ":1/v1").value();
    settings.priority = static_cast<unsigned>(settings_.size());
    settings.retry = {2, Millis(1), Millis(20)};
    names_.push_back(name);
    return settings;
  }

  EndpointPool& pool() {
    if (pool_) return *pool_;
    std::vector<EndpointPool::Member> members;
    for (const std::string& name : names_) {
      endpoints_.push_back(std::make_unique<Endpoint>(client_, settings_[name],
                                                      states_.of(settings_[name]), metrics_, log_));
      members.push_back({endpoints_.back().get(), models_[name]});
    }
    pool_ = std::make_unique<EndpointPool>(std::move(members), metrics_, log_);
    return *pool_;
  }

  static net::awaitable<std::string> read(ChatBackend& backend, ChatCall call) {
    auto answer = co_await backend.open(std::move(call));
    if (!answer) co_return describe(answer.error());
    std::string text;
    for (;;) {
      auto chunk = co_await (*answer)->next();
      if (!chunk) co_return text + describe(chunk.error());
      if (!*chunk) co_return text;
      for (const protocol::ChoiceDelta& choice : (*chunk)->choices) text += choice.content;
    }
  }

  static std::string describe(const Error& error) {
    return '[' + std::string(errorEntry(error.code).name) + ']';
  }

  ChatCall call(Deadline deadline = Deadline::in(Millis(20000))) {
    ChatCall call;
    call.body = R"({"model":"first"})";
    call.request_id = "req-1";
    call.deadline = deadline;
    return call;
  }

  std::string ask() { return test::runCoroutine(context_, read(pool(), call())); }
  std::string askForStream() {
    ChatCall stream = call();
    stream.stream = true;
    return test::runCoroutine(context_, read(pool(), std::move(stream)));
  }

  telemetry::UpstreamCounts counts(const std::string& name) {
    return metrics_.counts().upstreams[name];
  }
  std::uint64_t calls(const std::string& name, UpstreamOutcome outcome) {
    return counts(name).calls[static_cast<std::size_t>(outcome)];
  }
  ConcurrencyLimit::Load load(const std::string& name) {
    return states_.of(settings_[name])->limit().load();
  }

  net::io_context context_;
  telemetry::MetricsShard metrics_;
  test::MemoryLog log_;
  SharedState states_;
  ScriptedClient client_{context_};
  std::map<std::string, config::UpstreamSettings> settings_;
  std::map<std::string, std::string> models_;
  std::vector<std::string> names_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::unique_ptr<EndpointPool> pool_;
};

TEST_F(EndpointPoolTest, AsksAgainUntilThereIsAnAnswer) {
  upstream("a");
  client_.replies["a"] = {Reply::refusing(503), Reply::refusing(503), Reply{}};
  EXPECT_EQ(ask(), "hi");
  EXPECT_EQ(client_.asked, "a a a ");
  EXPECT_EQ(counts("a").retries, 2U);
  EXPECT_EQ(counts("a").failovers, 0U);
  EXPECT_EQ(calls("a", UpstreamOutcome::Failed), 2U);
  EXPECT_EQ(calls("a", UpstreamOutcome::Ok), 1U);
  EXPECT_EQ(counts("a").prompt_tokens, 3U);
  EXPECT_EQ(counts("a").completion_tokens, 4U);
  EXPECT_EQ(counts("a").durations.count, 3U);
  EXPECT_EQ(counts("a").headers.count, 1U);
  ASSERT_EQ(log_.lines().size(), 2U);
  EXPECT_THAT(log_.lines()[1], HasSubstr(R"("event":"upstream_retry","request_id":"req-1",)"
                                         R"("upstream":"a","cause":"failed","attempt":3)"));
  EXPECT_EQ(load("a").in_flight, 0U);
}

TEST_F(EndpointPoolTest, TheLastErrorReachesTheClient) {
  upstream("a").retry.retries = 1;
  client_.replies["a"] = {Reply::refusing(503), Reply::failing(ErrorCode::UpstreamUnreachable)};
  EXPECT_EQ(ask(), "[upstream_unreachable]");
  EXPECT_EQ(client_.asked, "a a ");
}

TEST_F(EndpointPoolTest, AsksOnceWhenTheRequestIsRefused) {
  upstream("a");
  upstream("b");
  client_.replies["a"] = {Reply::refusing(400)};
  EXPECT_EQ(ask(), "[upstream_rejected]");
  EXPECT_EQ(client_.asked, "a ");
  EXPECT_EQ(calls("a", UpstreamOutcome::Refused), 1U);
}

TEST_F(EndpointPoolTest, GoesToTheNextUpstream) {
  upstream("a");
  upstream("b");
  for (const Reply& reply :
       {Reply::refusing(500), Reply::refusing(401), Reply::refusing(429),
        Reply::failing(ErrorCode::UpstreamUnreachable), Reply::failing(ErrorCode::UpstreamTimeout),
        Reply::failing(ErrorCode::UpstreamInvalidResponse)}) {
    client_.asked.clear();
    client_.replies["a"] = {reply};
    EXPECT_EQ(ask(), "hi");
    EXPECT_EQ(client_.asked, "a b ");
  }
  EXPECT_EQ(counts("a").failovers, 6U);
  EXPECT_EQ(counts("b").retries, 0U);
  EXPECT_THAT(log_.lines().front(),
              HasSubstr(R"("event":"upstream_failover","request_id":"req-1","upstream":"a",)"
                        R"("cause":"failed","to":"b")"));
}

TEST_F(EndpointPoolTest, ComesBackToTheFirstOneWhenTheOthersFailToo) {
  upstream("a");
  upstream("b");
  client_.replies["a"] = {Reply::refusing(503), Reply{}};
  client_.replies["b"] = {Reply::refusing(500)};
  EXPECT_EQ(ask(), "hi");
  EXPECT_EQ(client_.asked, "a b a ");
}

TEST_F(EndpointPoolTest, DoesNotAskASilentOneTwice) {
  upstream("a");
  client_.replies["a"] = {Reply::failing(ErrorCode::UpstreamTimeout)};
  EXPECT_EQ(ask(), "[upstream_timeout]");
  EXPECT_EQ(client_.asked, "a ");
}

TEST_F(EndpointPoolTest, AsksNobodyElseOnceAnAnswerHasBegun) {
  upstream("a");
  upstream("b");
  client_.replies["a"] = {Reply::cutStream(kStream)};
  EXPECT_EQ(askForStream(), "hi[upstream_stream_truncated]");
  EXPECT_EQ(client_.asked, "a ");
  EXPECT_EQ(calls("a", UpstreamOutcome::Truncated), 1U);
  EXPECT_EQ(load("a").in_flight, 0U);
}

TEST_F(EndpointPoolTest, GoesToTheNextUpstreamWhenNothingOfAnAnswerHasCome) {
  upstream("a").breaker.failures = 0;
  upstream("b");
  Reply half;
  half.body = R"({"choices":)";
  half.cut = upstreamError(ErrorCode::UpstreamStreamTruncated, "cut");
  Reply page;
  page.body = "<html>";
  page.headers["content-type"] = "text/html";
  Reply fault;
  fault.body = R"({"error":{"message":"model not loaded"}})";
  Reply silent = Reply::cutStream(": waiting\n\n");
  silent.cut = upstreamError(ErrorCode::UpstreamTimeout, "silent");
  const std::vector<Reply> replies{Reply::cutStream(""), half, page, fault, silent};
  for (const Reply& reply : replies) {
    client_.asked.clear();
    client_.replies["a"] = {reply};
    EXPECT_EQ(ask(), "hi");
    EXPECT_EQ(client_.asked, "a b ") << "and never twice at the same one";
    EXPECT_EQ(load("a").in_flight, 0U);
  }
  EXPECT_EQ(counts("a").failovers, replies.size());
  EXPECT_EQ(calls("a", UpstreamOutcome::Truncated), 2U);
  EXPECT_EQ(calls("a", UpstreamOutcome::Invalid), 1U);
  EXPECT_EQ(calls("a", UpstreamOutcome::Failed), 1U);
  EXPECT_EQ(calls("a", UpstreamOutcome::Timeout), 1U);
  EXPECT_EQ(counts("a").headers.count, replies.size()) << "each was accepted first";
}

TEST_F(EndpointPoolTest, TimesTheFirstTokenOfAStream) {
  upstream("a");
  Reply stream;
  stream.body = std::string(kStream) + kStream + kStreamEnd;
  stream.headers["content-type"] = "text/event-stream";
  client_.replies["a"] = {stream};
  EXPECT_EQ(askForStream(), "hihi");
  EXPECT_EQ(counts("a").first_tokens.count, 1U);
  client_.replies["a"] = {Reply{}};
  EXPECT_EQ(ask(), "hi");
  EXPECT_EQ(counts("a").first_tokens.count, 1U) << "not of one that came as a whole";
}

TEST_F(EndpointPoolTest, WaitsAsLongAsTheUpstreamAsksForAndNoLonger) {
  upstream("a");
  client_.replies["a"] = {Reply::refusing(429, "15"), Reply{}};
  const Clock::time_point begin = Clock::now();
  EXPECT_EQ(ask(), "hi");
  EXPECT_GE(Clock::now() - begin, Millis(15));
  client_.replies["a"] = {Reply::refusing(429, "21"), Reply{}};
  EXPECT_EQ(ask(), "[upstream_rate_limited]") << "retry_backoff_max is 20 ms";
  EXPECT_EQ(client_.asked, "a a a ");
}

TEST_F(EndpointPoolTest, BeginsNoWaitThatDoesNotFitIntoTheDeadline) {
  upstream("a").retry.backoff_max = Millis(60000);
  client_.replies["a"] = {Reply::refusing(429, "30000")};
  const auto answer = test::runCoroutine(context_, read(pool(), call(Deadline::in(Millis(10000)))));
  EXPECT_EQ(answer, "[upstream_rate_limited]");
  EXPECT_EQ(client_.asked, "a ");
}

TEST_F(EndpointPoolTest, AsksNobodyAfterTheDeadline) {
  upstream("a");
  const auto answer = test::runCoroutine(context_, read(pool(), call(Deadline::in(Millis(0)))));
  EXPECT_EQ(answer, "[upstream_timeout]");
  EXPECT_EQ(client_.asked, "");
}

TEST_F(EndpointPoolTest, SendsEachUpstreamItsModelAndWhatItTakes) {
  upstream("a");
  upstream("b").dialect.drop_fields = {"user"};
  models_["b"] = "second";
  client_.replies["a"] = {Reply::refusing(500)};
  ChatCall with_user = call();
  with_user.body = R"({"user":"u","model":"first"})";
  EXPECT_EQ(test::runCoroutine(context_, read(pool(), std::move(with_user))), "hi");
  EXPECT_THAT(client_.bodies,
              ElementsAre(R"({"user":"u","model":"first"})", R"({"model":"second"})"));
}

TEST_F(EndpointPoolTest, LeavesAnUpstreamAloneThatFailsAgainAndAgain) {
  config::UpstreamSettings& a = upstream("a");
  a.retry.retries = 0;
  a.breaker.failures = 2;
  a.breaker.open_time = Millis(50);
  client_.replies["a"] = {Reply::refusing(500), Reply::refusing(500), Reply{}};
  EXPECT_EQ(ask(), "[upstream_error]");
  EXPECT_EQ(ask(), "[upstream_error]");
  EXPECT_EQ(ask(), "[upstream_unavailable]");
  EXPECT_EQ(client_.asked, "a a ");
  EXPECT_EQ(calls("a", UpstreamOutcome::CircuitOpen), 1U);
  EXPECT_EQ(counts("a").durations.count, 2U) << "of calls that were made";
  EXPECT_THAT(log_.lines(), testing::Contains(HasSubstr("upstream_circuit_open")));
  const auto until = Clock::now() + Millis(60);
  while (Clock::now() < until) context_.poll();
  EXPECT_EQ(ask(), "hi");
  EXPECT_EQ(ask(), "hi");
  EXPECT_THAT(log_.lines().back(), HasSubstr("upstream_circuit_closed"));
}

TEST_F(EndpointPoolTest, GoesFirstToTheOneWhoseBreakerIsClosed) {
  upstream("a").breaker.failures = 1;
  upstream("b");
  client_.replies["a"] = {Reply::refusing(500)};
  EXPECT_EQ(ask(), "hi");
  client_.asked.clear();
  EXPECT_EQ(ask(), "hi");
  EXPECT_EQ(client_.asked, "b ");
}

TEST_F(EndpointPoolTest, GoesFirstToTheOneThatIsWell) {
  upstream("a");
  upstream("b");
  pool();
  states_.of(settings_["a"])->noteHealth(false);
  EXPECT_EQ(ask(), "hi");
  EXPECT_EQ(client_.asked, "b ");
  client_.replies["b"] = {Reply::refusing(500)};
  EXPECT_EQ(ask(), "hi") << "but the other one is not forgotten";
  EXPECT_EQ(client_.asked, "b b a ");
}

// Two calls at a time of an upstream that takes one.
class FullUpstreamTest : public EndpointPoolTest {
 protected:
  FullUpstreamTest() {
    config::UpstreamSettings& a = upstream("a");
    a.max_concurrent = 1;
    a.max_queue = 1;
    a.retry.retries = 0;
  }

  std::vector<std::string> askAtOnce(int times) {
    std::vector<std::string> answers;
    for (int i = 0; i < times; ++i) {
      net::co_spawn(
          context_, read(pool(), call()),
          [&answers](std::exception_ptr, std::string text) { answers.push_back(std::move(text)); });
    }
    context_.restart();
    context_.run();
    return answers;
  }
};

TEST_F(FullUpstreamTest, MakesTheNextCallWait) {
  client_.replies["a"] = {Reply::slow(Millis(10))};
  EXPECT_THAT(askAtOnce(2), ElementsAre("hi", "hi"));
  EXPECT_EQ(load("a").in_flight, 0U);
}

TEST_F(FullUpstreamTest, RefusesWhenTheQueueIsFull) {
  client_.replies["a"] = {Reply::slow(Millis(10))};
  EXPECT_THAT(askAtOnce(3), ElementsAre("[upstream_overloaded]", "hi", "hi"));
  EXPECT_EQ(calls("a", UpstreamOutcome::Overloaded), 1U);
}

TEST_F(FullUpstreamTest, RefusesWhenTheWaitIsTooLong) {
  settings_["a"].queue_timeout = Millis(5);
  client_.replies["a"] = {Reply::slow(Millis(30))};
  EXPECT_THAT(askAtOnce(2), ElementsAre("[upstream_overloaded]", "hi"));
}

TEST_F(FullUpstreamTest, LeavesTheRestToTheOtherOnes) {
  upstream("b");
  client_.replies["a"] = {Reply::slow(Millis(10))};
  EXPECT_THAT(askAtOnce(3), ElementsAre("hi", "hi", "hi"));
  EXPECT_EQ(client_.asked, "a b b ");
}

TEST_F(FullUpstreamTest, GetsItsSlotBackWhenTheClientLeaves) {
  client_.replies["a"] = {Reply::slow(Millis(60000))};
  for (int i = 0; i < 2; ++i) {  // one that is answered, one that waits
    net::cancellation_signal first, second;
    net::co_spawn(
        context_, read(pool(), call()),
        net::bind_cancellation_slot(first.slot(), [](std::exception_ptr, std::string) {}));
    net::co_spawn(
        context_, read(pool(), call()),
        net::bind_cancellation_slot(second.slot(), [](std::exception_ptr, std::string) {}));
    context_.restart();
    context_.poll();
    EXPECT_EQ(load("a").queued, 1U);
    (i == 0 ? second : first).emit(net::cancellation_type::terminal);
    context_.poll();
    EXPECT_EQ(load("a").queued, 0U);
    EXPECT_EQ(load("a").in_flight, 1U);
    (i == 0 ? first : second).emit(net::cancellation_type::terminal);
    context_.run();
    EXPECT_EQ(load("a").in_flight, 0U);
  }
  EXPECT_EQ(calls("a", UpstreamOutcome::Cancelled), 3U);
  EXPECT_EQ(calls("a", UpstreamOutcome::Overloaded), 0U);
  EXPECT_EQ(counts("a").retries, 0U);
}

TEST_F(EndpointPoolTest, StopsWhenTheClientLeavesBetweenTwoAttempts) {
  upstream("a").retry = {5, Millis(60000), Millis(60000)};
  client_.replies["a"] = {Reply::refusing(503, "50000")};
  net::cancellation_signal signal;
  net::co_spawn(context_, read(pool(), call(Deadline::never())),
                net::bind_cancellation_slot(signal.slot(), [](std::exception_ptr, std::string) {}));
  context_.restart();
  context_.poll();
  EXPECT_EQ(client_.asked, "a ");
  signal.emit(net::cancellation_type::terminal);
  context_.run();
  EXPECT_EQ(client_.asked, "a ");
  EXPECT_EQ(load("a").in_flight, 0U);
}

TEST(SharedState, LastsAsLongAsTheUpstreamIsDescribedAsBefore) {
  SharedState states;
  config::UpstreamSettings settings;
  settings.name = "a";
  const auto first = states.of(settings);
  EXPECT_EQ(states.of(settings), first);
  config::UpstreamSettings other = settings;
  other.max_concurrent = 7;
  const auto second = states.of(other);
  EXPECT_NE(second, first);
  EXPECT_EQ(states.all().at("a"), second);
}

TEST(SharedState, ForgetsWhatNobodyHolds) {
  SharedState states;
  config::UpstreamSettings settings;
  settings.name = "a";
  auto held = states.of(settings);
  EXPECT_EQ(states.all().size(), 1U);
  held.reset();
  EXPECT_TRUE(states.all().empty());
}

}  // namespace
}  // namespace agw::upstream
