#include "upstream/concurrency_limit.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/coroutine.h"

namespace agw::upstream {
namespace {

using Slot = std::optional<ConcurrencyLimit::Slot>;

constexpr Millis kLong{20000};

Slot takeNow(net::io_context& context, ConcurrencyLimit& limit) {
  return test::runCoroutine(context, limit.take(Deadline::in(Millis(0))));
}

TEST(ConcurrencyLimit, GivesAsManySlotsAsItHas) {
  net::io_context context;
  ConcurrencyLimit limit(2, 0);
  Slot first = takeNow(context, limit);
  EXPECT_FALSE(limit.isFull());
  Slot second = takeNow(context, limit);
  EXPECT_TRUE(first && second);
  EXPECT_TRUE(limit.isFull());
  EXPECT_FALSE(takeNow(context, limit)) << "and nobody may wait";
  first.reset();
  EXPECT_EQ(limit.load().in_flight, 1U);
  EXPECT_TRUE(takeNow(context, limit));
}

TEST(ConcurrencyLimit, ZeroIsAnyNumber) {
  net::io_context context;
  ConcurrencyLimit limit(0, 0);
  std::vector<Slot> slots;
  for (int i = 0; i < 100; ++i) slots.push_back(takeNow(context, limit));
  for (const Slot& slot : slots) EXPECT_TRUE(slot);
  EXPECT_FALSE(limit.isFull());
  EXPECT_EQ(limit.load().in_flight, 100U);
  slots.clear();
  EXPECT_EQ(limit.load().in_flight, 0U);
}

TEST(ConcurrencyLimit, ASlotThatMovesIsGivenBackOnce) {
  net::io_context context;
  ConcurrencyLimit limit(1, 0);
  {
    Slot first = takeNow(context, limit);
    ConcurrencyLimit::Slot moved = std::move(*first);
    first.reset();
    EXPECT_EQ(limit.load().in_flight, 1U);
    Slot other(std::move(moved));
    EXPECT_EQ(limit.load().in_flight, 1U);
  }
  EXPECT_EQ(limit.load().in_flight, 0U);
}

// Coroutines of one thread that take a slot and write down who they are.
class WaitersTest : public testing::Test {
 protected:
  net::awaitable<void> use(std::string name, Deadline deadline) {
    Slot slot = co_await limit_.take(deadline);
    order_ += slot ? name : "(" + name + ")";
  }

  void start(const std::string& name, Deadline deadline = Deadline::in(kLong)) {
    net::co_spawn(context_, use(name, deadline), net::detached);
  }

  void run() {
    context_.restart();
    context_.run();
  }

  net::io_context context_;
  ConcurrencyLimit limit_{1, 3};
  std::string order_;
};

TEST_F(WaitersTest, AreServedInTheOrderInWhichTheyCame) {
  Slot held = takeNow(context_, limit_);
  for (const char* name : {"a", "b", "c"}) start(name);
  context_.restart();
  context_.poll();
  EXPECT_EQ(limit_.load().queued, 3U);
  EXPECT_EQ(order_, "");
  held.reset();
  run();
  EXPECT_EQ(order_, "abc");
  EXPECT_EQ(limit_.load().in_flight, 0U);
}

TEST_F(WaitersTest, AreNoMoreThanMayWait) {
  Slot held = takeNow(context_, limit_);
  for (const char* name : {"a", "b", "c", "d"}) start(name);
  context_.restart();
  context_.poll();
  EXPECT_EQ(order_, "(d)");
  held.reset();
  run();
  EXPECT_EQ(order_, "(d)abc");
}

TEST_F(WaitersTest, LeaveAtTheirDeadline) {
  Slot held = takeNow(context_, limit_);
  start("a", Deadline::in(Millis(5)));
  start("b");
  context_.restart();
  while (order_.empty()) context_.run_one();
  EXPECT_EQ(order_, "(a)");
  EXPECT_EQ(limit_.load().queued, 1U);
  held.reset();
  run();
  EXPECT_EQ(order_, "(a)b");
}

TEST_F(WaitersTest, LeaveWhenTheyAreCancelled) {
  Slot held = takeNow(context_, limit_);
  net::cancellation_signal signal;
  net::co_spawn(context_, use("a", Deadline::in(kLong)),
                net::bind_cancellation_slot(signal.slot(), net::detached));
  start("b");
  context_.restart();
  context_.poll();
  EXPECT_EQ(limit_.load().queued, 2U);
  signal.emit(net::cancellation_type::terminal);
  context_.poll();
  EXPECT_EQ(limit_.load().queued, 1U);
  held.reset();
  run();
  EXPECT_EQ(order_, "(a)b");
  EXPECT_EQ(limit_.load().in_flight, 0U);
}

TEST_F(WaitersTest, HandOnASlotThatTheyGotWhileTheyWereCancelled) {
  Slot held = takeNow(context_, limit_);
  net::cancellation_signal signal;
  net::co_spawn(context_, use("a", Deadline::in(kLong)),
                net::bind_cancellation_slot(signal.slot(), net::detached));
  start("b");
  context_.restart();
  context_.poll();
  held.reset();  // a has it, and does not know
  signal.emit(net::cancellation_type::terminal);
  run();
  EXPECT_EQ(order_, "ab");
  EXPECT_EQ(limit_.load().in_flight, 0U);
}

TEST_F(WaitersTest, LeaveNothingBehindWhenTheirContextGoes) {
  ConcurrencyLimit limit(1, 3);
  Slot held = takeNow(context_, limit);
  {
    net::io_context other;
    net::co_spawn(other, limit.take(Deadline::in(kLong)), net::detached);
    net::co_spawn(other, limit.take(Deadline::in(kLong)), net::detached);
    other.poll();
    EXPECT_EQ(limit.load().queued, 2U);
    held.reset();  // the first one's, who will not come to know
    EXPECT_EQ(limit.load().in_flight, 1U);
  }
  EXPECT_EQ(limit.load().queued, 0U);
  EXPECT_EQ(limit.load().in_flight, 0U);
}

// What takes slots on several threads, each with a context of its own, as the executor has them.
class Crowd {
 public:
  static constexpr int kMost = 3, kThreads = 4, kCoroutines = 16, kRounds = 50;
  static constexpr int kAll = kThreads * kCoroutines * kRounds;

  void run() {
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back([this] { runThread(); });
    for (std::thread& thread : threads) thread.join();
  }

  ConcurrencyLimit limit{kMost, 1000};
  std::atomic<int> inside{0}, highest{0}, served{0}, late{0};

 private:
  void runThread() {
    net::io_context context;
    for (int i = 0; i < kCoroutines; ++i) net::co_spawn(context, takeSlots(), net::detached);
    context.run();
  }

  net::awaitable<void> takeSlots() {
    net::steady_timer pause(co_await net::this_coro::executor);
    for (int i = 0; i < kRounds; ++i) {
      const Deadline deadline = Deadline::in(i % 5 == 0 ? Millis(0) : kLong);
      Slot slot = co_await limit.take(deadline);
      if (!slot) {
        ++late;
        continue;
      }
      const int now = ++inside;
      int seen = highest;
      while (seen < now && !highest.compare_exchange_weak(seen, now)) continue;
      pause.expires_after(std::chrono::microseconds(20));
      co_await pause.async_wait(net::use_awaitable);
      --inside;
      ++served;
    }
  }
};

TEST(ConcurrencyLimitOfThreads, IsNeverExceededAndLosesNoSlot) {
  Crowd crowd;
  crowd.run();
  EXPECT_EQ(crowd.served + crowd.late, Crowd::kAll);
  EXPECT_LE(crowd.highest, Crowd::kMost);
  EXPECT_GE(crowd.served, Crowd::kAll * 4 / 5) << "only the hasty ones may be late";
  EXPECT_EQ(crowd.limit.load().in_flight, 0U);
  EXPECT_EQ(crowd.limit.load().queued, 0U);
}

}  // namespace
}  // namespace agw::upstream
