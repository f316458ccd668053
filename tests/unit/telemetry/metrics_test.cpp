#include "telemetry/metrics.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace agw::telemetry {
namespace {

TEST(Timings, PutAValueOnABoundBelowIt) {
  Timings timings;
  timings.add(0.001);
  timings.add(0.0011);
  timings.add(1e9);
  EXPECT_EQ(timings.buckets.front(), 1u);
  EXPECT_EQ(timings.buckets[1], 1u);
  EXPECT_EQ(timings.buckets.back(), 1u);
  EXPECT_EQ(timings.count, 3u);
  EXPECT_EQ(timings.least, 0.001);
  EXPECT_EQ(timings.most, 1e9);
}

TEST(Timings, AddUp) {
  Timings one, two, none;
  one.add(2);
  two.add(1);
  two.add(4);
  one.add(two);
  one.add(none);
  none.add(one);
  EXPECT_EQ(none.count, 3u);
  EXPECT_EQ(none.sum, 7);
  EXPECT_EQ(none.least, 1);
  EXPECT_EQ(none.most, 4);
}

TEST(Metrics, AddUpWhatAllThreadsCount) {
  constexpr unsigned kThreads = 4, kEach = 2000;
  Metrics metrics;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) {
    threads.emplace_back([&metrics, &shard = metrics.addShard()] {
      for (unsigned n = 0; n < kEach; ++n) {
        shard.addRequest(n % 2 == 0, 200, 0.001);
        shard.addToolCall("t", "mcp", n % 4 == 0 ? Outcome::Error : Outcome::Ok, 0.002);
        if (n % 100 == 0) metrics.counts();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const Counts counts = metrics.counts();
  EXPECT_EQ(counts.requests.at({true, 200}), kThreads * kEach / 2);
  EXPECT_EQ(counts.requests.at({false, 200}), kThreads * kEach / 2);
  EXPECT_EQ(counts.request_timings.count, kThreads * kEach);
  EXPECT_EQ(counts.tools.at("t").errors, kThreads * kEach / 4);
  EXPECT_EQ(counts.tools.at("t").ok, kThreads * kEach * 3 / 4);
}

TEST(Metrics, KeepTheNumberOfNamesBounded) {
  MetricsShard shard;
  for (std::size_t i = 0; i < MetricsShard::kMaxNames + 10; ++i) {
    shard.addToolCall("tool-" + std::to_string(i), "http", Outcome::Ok, 0);
  }
  shard.addToolCall("tool-0", "http", Outcome::Ok, 0);
  const Counts counts = shard.counts();
  EXPECT_EQ(counts.tools.size(), MetricsShard::kMaxNames + 1);
  EXPECT_EQ(counts.tools.at("other").ok, 10u);
  EXPECT_EQ(counts.tools.at("tool-0").ok, 2u);
}

TEST(Metrics, CountCallsOfUpstreams) {
  Metrics metrics;
  MetricsShard& one = metrics.addShard();
  MetricsShard& two = metrics.addShard();
  UpstreamCall good;
  good.outcome = UpstreamOutcome::Ok;
  good.seconds = 2;
  good.header_seconds = 0.5;
  good.first_token_seconds = 0.7;
  good.prompt_tokens = 3;
  good.completion_tokens = 4;
  one.addUpstreamCall("a", good);
  two.addUpstreamCall("a", good);
  UpstreamCall refused;
  refused.outcome = UpstreamOutcome::CircuitOpen;
  two.addUpstreamCall("a", refused);
  two.addUpstreamRetry("a");
  one.addUpstreamFailover("b");
  const Counts counts = metrics.counts();
  const UpstreamCounts& a = counts.upstreams.at("a");
  EXPECT_EQ(a.calls[static_cast<std::size_t>(UpstreamOutcome::Ok)], 2u);
  EXPECT_EQ(a.calls[static_cast<std::size_t>(UpstreamOutcome::CircuitOpen)], 1u);
  EXPECT_EQ(a.durations.count, 2u) << "of those that were asked";
  EXPECT_EQ(a.headers.sum, 1);
  EXPECT_EQ(a.first_tokens.count, 2u);
  EXPECT_EQ(a.prompt_tokens, 6u);
  EXPECT_EQ(a.completion_tokens, 8u);
  EXPECT_EQ(a.retries, 1u);
  EXPECT_EQ(counts.upstreams.at("b").failovers, 1u);
}

TEST(Metrics, NameEveryOutcomeOfAnUpstreamsCall) {
  EXPECT_EQ(upstreamOutcomeName(UpstreamOutcome::Ok), "ok");
  EXPECT_EQ(upstreamOutcomeName(UpstreamOutcome::Cancelled), "cancelled");
  EXPECT_EQ(upstreamOutcomeName(UpstreamOutcome::CircuitOpen), "circuit_open");
  EXPECT_EQ(static_cast<std::size_t>(UpstreamOutcome::CircuitOpen) + 1, kUpstreamOutcomes);
}

}  // namespace
}  // namespace agw::telemetry
