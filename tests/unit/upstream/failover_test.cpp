#include "upstream/failover.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace agw::upstream {
namespace {

using Order = std::vector<std::size_t>;

double never() {
  ADD_FAILURE() << "nothing to draw";
  return 0;
}

TEST(OrderCandidates, GoesByPriority) {
  EXPECT_EQ(orderCandidates({{2}, {0}, {1}}, never), (Order{1, 2, 0}));
  EXPECT_EQ(orderCandidates({{0}}, never), (Order{0}));
  EXPECT_EQ(orderCandidates({}, never), Order{});
}

TEST(OrderCandidates, PutsTheBadOnesLastAndTheFullOnesBeforeThem) {
  const Standing bad{0, 1, false, true};
  const Standing bad_and_full{0, 1, true, true};
  const Standing full{0, 1, true, false};
  EXPECT_EQ(orderCandidates({bad_and_full, bad, full, {9, 1, false, false}}, never),
            (Order{3, 2, 1, 0}));
}

TEST(OrderCandidates, DrawsAmongEqualsByWeight) {
  const std::vector<Standing> standings = {{0, 1}, {0, 3}, {1, 1}};
  EXPECT_EQ(orderCandidates(standings, [] { return 0.0; }), (Order{0, 1, 2}));
  EXPECT_EQ(orderCandidates(standings, [] { return 0.249; }), (Order{0, 1, 2}));
  EXPECT_EQ(orderCandidates(standings, [] { return 0.25; }), (Order{1, 0, 2}));
  EXPECT_EQ(orderCandidates(standings, [] { return 0.999999; }), (Order{1, 0, 2}));
}

TEST(OrderCandidates, GivesEachFirstPlaceInProportion) {
  std::minstd_rand engine(7);
  std::uniform_real_distribution<double> unit(0, 1);
  std::map<std::size_t, int> firsts;
  constexpr int kDraws = 10000;
  for (int i = 0; i < kDraws; ++i) {
    const Order order = orderCandidates({{0, 1}, {0, 2}, {0, 7}}, [&] { return unit(engine); });
    ASSERT_EQ(order.size(), 3U);
    ++firsts[order.front()];
  }
  EXPECT_NEAR(firsts[0], kDraws * 0.1, kDraws * 0.02);
  EXPECT_NEAR(firsts[1], kDraws * 0.2, kDraws * 0.02);
  EXPECT_NEAR(firsts[2], kDraws * 0.7, kDraws * 0.02);
}

class CallPlanTest : public testing::Test {
 protected:
  std::optional<CallPlan::Step> ask(CallPlan& plan) {
    const auto step = plan.next(now_, deadline_);
    if (step) plan.asked(step->candidate);
    return step;
  }
  void failed(CallPlan& plan, std::size_t candidate, int wait_ms) {
    plan.failed(candidate, now_ + Millis(wait_ms));
  }

  Clock::time_point now_{std::chrono::hours(1000)};
  Deadline deadline_{now_ + std::chrono::seconds(60)};
};

TEST_F(CallPlanTest, AsksOneAgainAsOftenAsItMayBe) {
  CallPlan plan({{0, 3}});
  const auto first = ask(plan);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->wait, Millis(0));
  EXPECT_FALSE(first->is_retry);
  EXPECT_FALSE(first->is_last);
  failed(plan, 0, 100);
  const auto second = ask(plan);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->wait, Millis(100));
  EXPECT_TRUE(second->is_retry);
  EXPECT_FALSE(second->is_last);
  failed(plan, 0, 0);
  const auto third = ask(plan);
  ASSERT_TRUE(third);
  EXPECT_TRUE(third->is_last);
  failed(plan, 0, 0);
  EXPECT_FALSE(ask(plan));
}

TEST_F(CallPlanTest, AsksAllOfThemBeforeAnyIsAskedAgain) {
  CallPlan plan({{4, 2}, {7, 2}});
  EXPECT_EQ(ask(plan)->candidate, 4U);
  failed(plan, 4, 0);
  EXPECT_EQ(ask(plan)->candidate, 7U);
  failed(plan, 7, 500);
  const auto third = ask(plan);
  EXPECT_EQ(third->candidate, 4U);
  EXPECT_EQ(third->wait, Millis(0));
  failed(plan, 4, 0);
  const auto fourth = ask(plan);
  EXPECT_EQ(fourth->candidate, 7U);
  EXPECT_EQ(fourth->wait, Millis(500));
  EXPECT_TRUE(fourth->is_last);
  EXPECT_EQ(plan.timesAsked(7), 2U);
}

TEST_F(CallPlanTest, GoesToTheOneThatMayBeAskedSoonest) {
  CallPlan plan({{0, 2}, {1, 2}});
  ask(plan);
  failed(plan, 0, 900);
  ask(plan);
  failed(plan, 1, 300);
  const auto step = ask(plan);
  EXPECT_EQ(step->candidate, 1U);
  EXPECT_EQ(step->wait, Millis(300));
}

TEST_F(CallPlanTest, ForgetsTheOneThatIsNotToBeAskedAgain) {
  CallPlan plan({{0, 5}, {1, 1}});
  ask(plan);
  plan.failed(0, std::nullopt);
  const auto step = ask(plan);
  EXPECT_EQ(step->candidate, 1U);
  EXPECT_TRUE(step->is_last);
  failed(plan, 1, 0);
  EXPECT_FALSE(ask(plan));
}

TEST_F(CallPlanTest, BeginsNoWaitThatDoesNotFit) {
  CallPlan plan({{0, 5}});
  ask(plan);
  failed(plan, 0, 59'999);
  EXPECT_TRUE(plan.next(now_, deadline_));
  failed(plan, 0, 60'000);
  EXPECT_FALSE(plan.next(now_, deadline_));
  EXPECT_TRUE(plan.next(now_, Deadline::never()));
}

TEST_F(CallPlanTest, AsksNobodyAfterTheDeadline) {
  CallPlan plan({{0, 5}});
  now_ = deadline_.at;
  EXPECT_FALSE(ask(plan));
}

}  // namespace
}  // namespace agw::upstream
