#include "bench/load/samples.h"

#include <gtest/gtest.h>

namespace agent_load {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(Samples, NothingMeasuredIsAllZero) {
  const Summary summary = Samples().summary();
  EXPECT_EQ(summary.count, 0u);
  EXPECT_EQ(summary.mean, 0);
  EXPECT_EQ(summary.p50, 0);
  EXPECT_EQ(summary.max, 0);
}

TEST(Samples, OneSampleIsEveryPercentile) {
  Samples samples;
  samples.add(microseconds(7));
  const Summary summary = samples.summary();
  EXPECT_EQ(summary.count, 1u);
  EXPECT_EQ(summary.mean, 7);
  EXPECT_EQ(summary.p50, 7);
  EXPECT_EQ(summary.p99, 7);
  EXPECT_EQ(summary.max, 7);
}

TEST(Samples, PercentilesAreExactInWhateverOrderTheSamplesCome) {
  Samples samples;
  for (int i = 1000; i >= 1; --i) samples.add(microseconds(i));
  const Summary summary = samples.summary();
  EXPECT_EQ(summary.count, 1000u);
  EXPECT_DOUBLE_EQ(summary.mean, 500.5);
  EXPECT_EQ(summary.p50, 500);
  EXPECT_EQ(summary.p90, 900);
  EXPECT_EQ(summary.p95, 950);
  EXPECT_EQ(summary.p99, 990);
  EXPECT_EQ(summary.max, 1000);
}

TEST(Samples, APercentileIsNeverASampleThatTooFewStayBelow) {
  Samples samples;
  for (int i = 1; i <= 10; ++i) samples.add(microseconds(i));
  EXPECT_EQ(samples.summary().p50, 5);
  EXPECT_EQ(samples.summary().p95, 10);
}

TEST(Samples, TenthsOfAMicrosecondAreKept) {
  Samples samples;
  samples.add(nanoseconds(1249));
  EXPECT_DOUBLE_EQ(samples.summary().max, 1.2);
  samples.add(nanoseconds(1250));
  EXPECT_DOUBLE_EQ(samples.summary().max, 1.3);
}

TEST(Samples, WhatDoesNotFitCountsAsTheNearerEnd) {
  Samples samples;
  samples.add(nanoseconds(-5000));
  EXPECT_EQ(samples.summary().max, 0);
  samples.add(seconds(100'000));
  EXPECT_DOUBLE_EQ(samples.summary().max, 429496729.5);
}

TEST(Samples, BeyondTheBoundTheyAreOnlyCounted) {
  Samples samples(3);
  for (int i = 1; i <= 5; ++i) samples.add(microseconds(i));
  const Summary summary = samples.summary();
  EXPECT_EQ(summary.count, 3u);
  EXPECT_EQ(summary.not_kept, 2u);
  EXPECT_EQ(summary.max, 3);
}

TEST(Samples, ManyBlocksAreOneDistribution) {
  Samples samples;
  for (int i = 1; i <= 100'000; ++i) samples.add(microseconds(i));
  const Summary summary = samples.summary();
  EXPECT_EQ(summary.count, 100'000u);
  EXPECT_EQ(summary.p99, 99'000);
  EXPECT_EQ(summary.max, 100'000);
}

}  // namespace
}  // namespace agent_load
