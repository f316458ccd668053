#include "io/deadline_timer.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>

namespace agw::io {
namespace {

using namespace std::chrono_literals;

class DeadlineTimerTest : public testing::Test {
 protected:
  boost::asio::io_context context_;
  int expirations_ = 0;
  DeadlineTimer timer_{context_.get_executor(), [this] { ++expirations_; }};
};

TEST_F(DeadlineTimerTest, ExpiresOnceAtItsDeadline) {
  const auto start = Clock::now();
  timer_.expireIn(30ms);
  EXPECT_FALSE(timer_.expired());
  context_.run();
  EXPECT_GE(Clock::now() - start, 30ms);
  EXPECT_TRUE(timer_.expired());
  EXPECT_EQ(expirations_, 1);
}

TEST_F(DeadlineTimerTest, MovesToALaterDeadline) {
  const auto start = Clock::now();
  timer_.expireIn(10ms);
  timer_.expireIn(60ms);
  context_.run();
  EXPECT_GE(Clock::now() - start, 60ms);
  EXPECT_EQ(expirations_, 1);
}

TEST_F(DeadlineTimerTest, MovesToAnEarlierDeadline) {
  const auto start = Clock::now();
  timer_.expireIn(60s);
  timer_.expireIn(10ms);
  context_.run();
  EXPECT_LT(Clock::now() - start, 10s);
  EXPECT_EQ(expirations_, 1);
}

TEST_F(DeadlineTimerTest, DoesNotExpireWhenCleared) {
  timer_.expireIn(10ms);
  timer_.clear();
  context_.run();
  EXPECT_FALSE(timer_.expired());
  EXPECT_EQ(expirations_, 0);
}

TEST_F(DeadlineTimerTest, CanBeSetAgain) {
  for (int i = 1; i <= 3; ++i) {
    timer_.expireIn(1ms);
    EXPECT_FALSE(timer_.expired());
    context_.restart();
    context_.run();
    EXPECT_TRUE(timer_.expired());
    EXPECT_EQ(expirations_, i);
  }
}

TEST_F(DeadlineTimerTest, TakesADeadlineThatHasPassed) {
  timer_.expireAt(Deadline::in(-1s));
  context_.run();
  EXPECT_EQ(expirations_, 1);
}

TEST(DeadlineTimer, IsSilentAfterItsDestruction) {
  boost::asio::io_context context;
  int expirations = 0;
  auto timer = std::make_unique<DeadlineTimer>(context.get_executor(), [&] { ++expirations; });
  timer->expireAt(Deadline::in(-1s));
  timer.reset();
  context.run();
  EXPECT_EQ(expirations, 0);
}

TEST(DeadlineTimer, MayBeDestroyedByItsOwnCall) {
  boost::asio::io_context context;
  std::unique_ptr<DeadlineTimer> timer;
  std::string captured(100, 'x');
  timer = std::make_unique<DeadlineTimer>(context.get_executor(), [&timer, captured] {
    timer.reset();
    EXPECT_EQ(captured.size(), 100u);
  });
  timer->expireIn(1ms);
  context.run();
  EXPECT_EQ(timer, nullptr);
}

}  // namespace
}  // namespace agw::io
