#include "io/name_lookup.h"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <memory>
#include <string>
#include <vector>

#include "name_server.h"
#include "support/coroutine.h"

namespace agw::io {
namespace {

namespace net = boost::asio;

constexpr Millis kLong{20000};
constexpr Millis kNow{0};

class NameLookupTest : public testing::Test {
 protected:
  NameLookup makeLookup(Millis fresh, Millis stale = kLong) {
    return {context_, resolver_, {fresh, stale}};
  }

  std::string ask(NameLookup& lookup, const std::string& host, Millis patience = kLong) {
    const auto answer = test::runCoroutine(context_, lookup.find(host, 80, Deadline::in(patience)));
    return shown(answer);
  }

  static std::string shown(const NameLookup::Answer& answer) {
    if (answer.error) return answer.error == net::error::timed_out ? "late" : "error";
    std::string all;
    for (const auto& endpoint : answer.endpoints) {
      if (!all.empty()) all += ' ';
      all += endpoint.address().to_string() + ':' + std::to_string(endpoint.port());
    }
    return all;
  }

  void answerWith(const std::string& host, const char* address) {
    server_->answer(host, {{}, {net::ip::make_address(address)}});
  }
  void fail(const std::string& host) { server_->answer(host, {net::error::host_not_found, {}}); }

  // Lets the context run until `host` shows as `expected`: an answer comes from another thread.
  void waitFor(NameLookup& lookup, const std::string& host, const std::string& expected) {
    const auto end = Clock::now() + kLong;
    while (ask(lookup, host) != expected) {
      ASSERT_LT(Clock::now(), end) << "never " << expected;
      context_.restart();
      context_.run_for(Millis(1));
    }
  }

  net::io_context context_;
  std::shared_ptr<test::NameServer> server_ = std::make_shared<test::NameServer>();
  std::shared_ptr<NameResolver> resolver_ = std::make_shared<NameResolver>(server_->lookup());
};

TEST_F(NameLookupTest, KeepsAnAnswerForAWhile) {
  NameLookup lookup = makeLookup(kLong);
  server_->answer("two.test",
                  {{}, {net::ip::make_address("127.0.0.2"), net::ip::make_address("::1")}});
  EXPECT_EQ(ask(lookup, "two.test"), "127.0.0.2:80 ::1:80");
  EXPECT_EQ(ask(lookup, "two.test"), "127.0.0.2:80 ::1:80");
  EXPECT_EQ(server_->asked("two.test"), 1);
}

TEST_F(NameLookupTest, DoesNotAskForAddresses) {
  NameLookup lookup = makeLookup(kLong);
  EXPECT_EQ(ask(lookup, "192.0.2.1"), "192.0.2.1:80");
  EXPECT_EQ(ask(lookup, "::1"), "::1:80");
  EXPECT_EQ(server_->asked("192.0.2.1"), 0);
}

TEST_F(NameLookupTest, UsesTheOldAddressesWhileItAsksAnew) {
  NameLookup lookup = makeLookup(kNow);
  answerWith("a.test", "127.0.0.1");
  EXPECT_EQ(ask(lookup, "a.test"), "127.0.0.1:80");
  answerWith("a.test", "127.0.0.2");
  server_->hang("a.test");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(lookup, "a.test"), "127.0.0.1:80");
  server_->waitForAsked("a.test", 2);
  EXPECT_EQ(server_->asked("a.test"), 2) << "one at a time";
  server_->release("a.test");
  waitFor(lookup, "a.test", "127.0.0.2:80");
}

TEST_F(NameLookupTest, KeepsTheOldAddressesWhenTheNewLookupFails) {
  NameLookup lookup = makeLookup(kNow);
  answerWith("a.test", "127.0.0.1");
  EXPECT_EQ(ask(lookup, "a.test"), "127.0.0.1:80");
  fail("a.test");
  EXPECT_EQ(ask(lookup, "a.test"), "127.0.0.1:80");
  server_->waitForAsked("a.test", 2);
  server_->waitForInside(0);
  context_.restart();
  context_.run_for(Millis(5));
  EXPECT_EQ(ask(lookup, "a.test"), "127.0.0.1:80");
}

TEST_F(NameLookupTest, WaitsWhenTheOldAddressesAreTooOld) {
  NameLookup lookup = makeLookup(kNow, kNow);
  answerWith("a.test", "127.0.0.1");
  EXPECT_EQ(ask(lookup, "a.test"), "127.0.0.1:80");
  answerWith("a.test", "127.0.0.2");
  EXPECT_EQ(ask(lookup, "a.test"), "127.0.0.2:80");
  fail("a.test");
  EXPECT_EQ(ask(lookup, "a.test"), "error");
}

TEST_F(NameLookupTest, AsksAgainForWhatIsInDoubt) {
  NameLookup lookup = makeLookup(kLong);
  ask(lookup, "a.test");
  answerWith("a.test", "127.0.0.2");
  lookup.doubt("a.test");
  EXPECT_EQ(ask(lookup, "a.test"), "127.0.0.2:80");
  EXPECT_EQ(server_->asked("a.test"), 2);
}

TEST_F(NameLookupTest, UsesAddressesInDoubtWhenThereAreNoOthers) {
  NameLookup lookup = makeLookup(kLong);
  ask(lookup, "a.test");
  fail("a.test");
  lookup.doubt("a.test");
  EXPECT_EQ(ask(lookup, "a.test"), "127.0.0.1:80") << "the lookup failed";
  server_->hang("a.test");
  lookup.doubt("a.test");
  EXPECT_EQ(ask(lookup, "a.test", Millis(100)), "127.0.0.1:80") << "it hangs: in half of that time";
  const auto start = Clock::now();
  EXPECT_EQ(ask(lookup, "a.test"), "127.0.0.1:80");
  EXPECT_LT(Clock::now() - start, Millis(500)) << "and after that nobody waits";
  server_->release("a.test");
}

TEST_F(NameLookupTest, KnowsWhatAnotherThreadHasFound) {
  NameLookup first = makeLookup(kLong);
  NameLookup second = makeLookup(kLong);
  ask(first, "a.test");
  server_->hang("a.test");
  EXPECT_EQ(ask(second, "a.test"), "127.0.0.1:80");
  EXPECT_EQ(server_->asked("a.test"), 1);
}

TEST_F(NameLookupTest, LooksAnewForWhatAnotherThreadFoundLongAgo) {
  NameLookup first = makeLookup(kNow);
  NameLookup second = makeLookup(kNow);
  ask(first, "a.test");
  server_->hang("a.test");
  EXPECT_EQ(ask(second, "a.test"), "127.0.0.1:80");
  server_->waitForAsked("a.test", 2);
  server_->release("a.test");
  NameLookup third = makeLookup(kNow, kNow);
  answerWith("a.test", "127.0.0.2");
  server_->waitForInside(0);
  EXPECT_EQ(ask(third, "a.test"), "127.0.0.2:80") << "too old to be used at all";
}

TEST_F(NameLookupTest, AsksOnceForAllWhoWait) {
  NameLookup lookup = makeLookup(kLong);
  server_->hang("a.test");
  std::vector<std::string> answers;
  for (int i = 0; i < 10; ++i) {
    net::co_spawn(context_, lookup.find("a.test", 80, Deadline::in(kLong)),
                  [&answers](std::exception_ptr, const NameLookup::Answer& answer) {
                    answers.push_back(shown(answer));
                  });
  }
  context_.restart();
  context_.poll();
  server_->waitForAsked("a.test", 1);
  server_->release("a.test");
  context_.run();
  EXPECT_EQ(answers, std::vector<std::string>(10, "127.0.0.1:80"));
  EXPECT_EQ(server_->asked("a.test"), 1);
}

TEST_F(NameLookupTest, ALateAnswerIsKeptForTheNextOne) {
  NameLookup lookup = makeLookup(kLong);
  server_->hang("a.test");
  EXPECT_EQ(ask(lookup, "a.test", Millis(5)), "late");
  EXPECT_EQ(ask(lookup, "b.test"), "127.0.0.1:80") << "and holds nobody else up";
  server_->release("a.test");
  EXPECT_EQ(ask(lookup, "a.test"), "127.0.0.1:80");
  EXPECT_EQ(server_->asked("a.test"), 1);
}

TEST_F(NameLookupTest, ACancelledCallerLeaves) {
  NameLookup lookup = makeLookup(kLong);
  server_->hang("a.test");
  net::cancellation_signal signal;
  bool has_left = false;
  net::co_spawn(context_, lookup.find("a.test", 80, Deadline::never()),
                net::bind_cancellation_slot(
                    signal.slot(), [&has_left](std::exception_ptr, const NameLookup::Answer&) {
                      has_left = true;
                    }));
  context_.restart();
  context_.poll();
  signal.emit(net::cancellation_type::terminal);
  context_.run();
  EXPECT_TRUE(has_left);
  server_->release("a.test");
}

TEST_F(NameLookupTest, AnAnswerThatComesWhenItIsGoneIsDropped) {
  server_->hang("a.test");
  {
    net::io_context context;
    NameLookup lookup(context, resolver_);
    net::co_spawn(context, lookup.find("a.test", 80, Deadline::in(Millis(1))), net::detached);
    context.run();
  }
  server_->release("a.test");
  NameLookup another = makeLookup(kLong);
  EXPECT_EQ(ask(another, "a.test"), "127.0.0.1:80");
}

}  // namespace
}  // namespace agw::io
