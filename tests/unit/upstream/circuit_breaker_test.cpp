#include "upstream/circuit_breaker.h"

#include <gtest/gtest.h>

#include <vector>

namespace agw::upstream {
namespace {

using Change = CircuitBreaker::Change;
using std::chrono::milliseconds;
using std::chrono::seconds;

class CircuitBreakerTest : public testing::Test {
 protected:
  CircuitBreakerTest() {
    settings_.failures = 3;
    settings_.failure_percent = 50;
    settings_.window = seconds(10);
    settings_.open_time = seconds(5);
    settings_.open_time_max = seconds(15);
  }

  Change call(CircuitBreaker& breaker, bool is_good) {
    const auto pass = breaker.begin(now_);
    if (!pass) {
      ADD_FAILURE() << "refused";
      return Change::None;
    }
    return is_good ? breaker.succeeded(*pass, now_) : breaker.failed(*pass, now_);
  }

  void fail(CircuitBreaker& breaker, int times) {
    for (int i = 0; i < times; ++i) call(breaker, false);
  }

  config::BreakerSettings settings_;
  Clock::time_point now_{std::chrono::hours(1000)};
};

TEST_F(CircuitBreakerTest, OpensAfterFailuresInARow) {
  CircuitBreaker breaker(settings_);
  EXPECT_EQ(call(breaker, false), Change::None);
  EXPECT_EQ(call(breaker, false), Change::None);
  EXPECT_EQ(breaker.state(now_), BreakerState::Closed);
  EXPECT_EQ(call(breaker, false), Change::Opened);
  EXPECT_EQ(breaker.state(now_), BreakerState::Open);
  EXPECT_TRUE(breaker.wouldRefuse(now_));
  EXPECT_FALSE(breaker.begin(now_));
  EXPECT_EQ(breaker.openFor(now_), seconds(5));
}

TEST_F(CircuitBreakerTest, ASuccessBreaksTheRow) {
  CircuitBreaker breaker(settings_);
  for (int i = 0; i < 4; ++i) {
    fail(breaker, 2);
    EXPECT_EQ(call(breaker, true), Change::None);
  }
  EXPECT_EQ(breaker.state(now_), BreakerState::Closed);
}

TEST_F(CircuitBreakerTest, OpensWhenTheShareIsTooLargeAmongEnoughCalls) {
  CircuitBreaker breaker(settings_);
  // Ten of each, never three failures in a row; the last one makes it 20 calls.
  for (int i = 0; i < 9; ++i) {
    call(breaker, true);
    ASSERT_EQ(call(breaker, false), Change::None) << i;
  }
  call(breaker, true);
  EXPECT_EQ(call(breaker, false), Change::Opened);
}

TEST_F(CircuitBreakerTest, TheShareForgetsWhatIsOlderThanTheWindow) {
  CircuitBreaker breaker(settings_);
  for (int i = 0; i < 9; ++i) {
    call(breaker, true);
    call(breaker, false);
  }
  now_ += seconds(11);
  for (int i = 0; i < 9; ++i) {
    call(breaker, true);
    ASSERT_EQ(call(breaker, false), Change::None) << i;
  }
}

TEST_F(CircuitBreakerTest, LetsOneProbeGoAfterTheTime) {
  CircuitBreaker breaker(settings_);
  fail(breaker, 3);
  now_ += milliseconds(4999);
  EXPECT_FALSE(breaker.begin(now_));
  now_ += milliseconds(1);
  EXPECT_EQ(breaker.state(now_), BreakerState::HalfOpen);
  EXPECT_FALSE(breaker.wouldRefuse(now_));
  const auto probe = breaker.begin(now_);
  ASSERT_TRUE(probe);
  EXPECT_TRUE(probe->is_probe);
  EXPECT_FALSE(breaker.begin(now_)) << "one at a time";
  EXPECT_EQ(breaker.succeeded(*probe, now_), Change::Closed);
  EXPECT_EQ(breaker.state(now_), BreakerState::Closed);
  fail(breaker, 2);
  EXPECT_EQ(breaker.state(now_), BreakerState::Closed) << "the row began anew";
}

TEST_F(CircuitBreakerTest, AProbeThatFailsDoublesTheTimeUpToItsBound) {
  CircuitBreaker breaker(settings_);
  fail(breaker, 3);
  for (const auto expected : {seconds(10), seconds(15), seconds(15)}) {
    now_ += breaker.openFor(now_);
    EXPECT_EQ(call(breaker, false), Change::Opened);
    EXPECT_EQ(breaker.openFor(now_), expected);
  }
  now_ += breaker.openFor(now_);
  EXPECT_EQ(call(breaker, true), Change::Closed);
  fail(breaker, 3);
  EXPECT_EQ(breaker.openFor(now_), seconds(5)) << "as at first";
}

TEST_F(CircuitBreakerTest, AProbeThatWasDroppedMayBeMadeAgain) {
  CircuitBreaker breaker(settings_);
  fail(breaker, 3);
  now_ += seconds(5);
  const auto probe = breaker.begin(now_);
  ASSERT_TRUE(probe);
  breaker.dropped(*probe);
  EXPECT_EQ(breaker.state(now_), BreakerState::HalfOpen);
  EXPECT_TRUE(breaker.begin(now_));
}

TEST_F(CircuitBreakerTest, CallsFromBeforeItOpenedSayNothingAboutTheProbe) {
  CircuitBreaker breaker(settings_);
  std::vector<CircuitBreaker::Pass> early;
  for (int i = 0; i < 4; ++i) early.push_back(*breaker.begin(now_));
  fail(breaker, 3);
  EXPECT_EQ(breaker.failed(early[0], now_), Change::None);
  EXPECT_EQ(breaker.openFor(now_), seconds(5));
  EXPECT_EQ(breaker.succeeded(early[1], now_), Change::None);
  EXPECT_EQ(breaker.state(now_), BreakerState::Open);
  now_ += seconds(5);
  const auto probe = breaker.begin(now_);
  ASSERT_TRUE(probe);
  breaker.dropped(early[2]);
  EXPECT_FALSE(breaker.begin(now_)) << "the probe is still out";
  EXPECT_EQ(breaker.failed(*probe, now_), Change::Opened);
  EXPECT_EQ(breaker.succeeded(early[3], now_), Change::None);
}

TEST_F(CircuitBreakerTest, ZeroFailuresMeansNever) {
  settings_.failures = 0;
  CircuitBreaker breaker(settings_);
  fail(breaker, 100);
  EXPECT_EQ(breaker.state(now_), BreakerState::Closed);
}

}  // namespace
}  // namespace agw::upstream
