#include "shared/gcra.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace agw {
namespace {

constexpr Nanoseconds kSecond = 1'000'000'000;
constexpr Nanoseconds kHour = 3600 * kSecond;
constexpr Nanoseconds kStart = 1'000'000 * kSecond;

// A limit with its state.
struct Meter {
  RateLimit limit;
  Nanoseconds arrival = 0;

  GcraView look(Nanoseconds now, std::uint64_t units = 1, std::uint64_t held = 0) const {
    return gcraLook(limit, arrival, now, units, held);
  }
  void charge(Nanoseconds now, std::uint64_t units = 1) {
    arrival = gcraCharge(periodOf(limit), arrival, now, units);
  }
  bool take(Nanoseconds now, std::uint64_t units = 1) {
    const bool admits = look(now, units).admits;
    if (admits) charge(now, units);
    return admits;
  }
};

TEST(Gcra, APeriodIsRoundedUpSoThatNoRateIsExceeded) {
  EXPECT_EQ(periodOf({60, 60, 1}), kSecond);
  EXPECT_EQ(periodOf({60, 3600, 1}), 60 * kSecond);
  EXPECT_EQ(periodOf({7, 1, 1}), 142'857'143);
  EXPECT_EQ(periodOf({1, 86'400, 1}), 86'400 * kSecond);
  EXPECT_EQ(periodOf({1'000'000'000, 1, 1}), 1);
  EXPECT_EQ(periodOf({600'000'000, 1, 1}), 2);
}

TEST(Gcra, AdmitsExactlyTheBurstAtOnce) {
  const RateLimit limits[] = {{7, 1, 7},     {60, 3600, 20},         {1, 1, 1},
                              {3, 60, 10},   {999'999, 1, 1000},     {1'000'000'000, 1, 5000},
                              {1, 86400, 3}, {100'000, 3600, 10000}, {600'000'000, 1, 777}};
  for (const RateLimit& limit : limits) {
    Meter meter{limit};
    std::uint64_t admitted = 0;
    for (std::uint64_t i = 0; i < 2 * limit.burst; ++i) {
      admitted += meter.take(kStart) ? 1 : 0;
    }
    EXPECT_EQ(admitted, limit.burst) << limit.count << "/" << limit.window_seconds << "s";
  }
}

TEST(Gcra, AdmitsExactlyALargeBurst) {
  const RateLimit limits[] = {{1'000'000'000, 1, 4'000'000'000},
                              {1'000'000'000'000, 3600, 1'000'000'000'000},
                              {100'000, 60, 4'000'000'000}};
  for (const RateLimit& limit : limits) {
    Meter meter{limit};
    ASSERT_TRUE(meter.take(kStart, limit.burst - 1));
    EXPECT_FALSE(meter.look(kStart, 2).admits);
    EXPECT_EQ(meter.look(kStart, 0).remaining, 1U);
    EXPECT_TRUE(meter.take(kStart));
    EXPECT_FALSE(meter.take(kStart));
  }
}

// More than can be counted: what comes back in kMaxSpan stands for the burst.
TEST(Gcra, ABurstOfMoreThan146YearsOfTheRateIsCutToThat) {
  Meter meter{{1, 86'400, 4'000'000'000}};
  const auto fit = static_cast<std::uint64_t>(kMaxSpan / (86'400 * kSecond));
  EXPECT_EQ(fit, 53'375U);
  EXPECT_TRUE(meter.take(kStart, fit - 1));
  EXPECT_TRUE(meter.take(kStart));
  EXPECT_FALSE(meter.take(kStart));
}

TEST(Gcra, AdmitsTheRateInTheLongRun) {
  Meter meter{{60, 3600, 20}};
  std::uint64_t admitted = 0;
  for (Nanoseconds now = kStart; now <= kStart + 10 * kHour; now += kSecond) {
    admitted += meter.take(now) ? 1 : 0;
  }
  EXPECT_EQ(admitted, 20U + 600U);
}

TEST(Gcra, AdmitsARateThatIsNoWholeNumberOfNanosecondsInTheLongRun) {
  const RateLimit limits[] = {{7, 1, 7}, {999, 1, 3}, {333'333, 1, 1}, {11, 60, 2}};
  for (const RateLimit& limit : limits) {
    Meter meter{limit};
    constexpr std::uint64_t kTakes = 100'000;
    Nanoseconds now = kStart;
    for (std::uint64_t i = 0; i < kTakes; ++i) {
      now += meter.look(now).retry_after;
      ASSERT_TRUE(meter.take(now));
    }
    const double wanted = static_cast<double>(kTakes - limit.burst) * limit.window_seconds /
                          static_cast<double>(limit.count);
    const double seconds = static_cast<double>(now - kStart) / kSecond;
    EXPECT_GE(seconds, wanted) << limit.count;
    EXPECT_LE(seconds, wanted * 1.001) << limit.count;
  }
}

TEST(Gcra, RetryAfterIsExactToTheNanosecond) {
  std::mt19937_64 random(4711);
  const auto upTo = [&random](std::uint64_t most) { return random() % (most + 1); };
  int waits = 0;
  for (int i = 0; i < 20'000; ++i) {
    const RateLimit limit{1 + upTo(100'000), static_cast<std::uint32_t>(1 + upTo(86'400)),
                          1 + upTo(1000)};
    const std::uint64_t units = 1 + upTo(limit.burst + 3);  // more than the burst too
    Meter meter{limit};
    meter.charge(kStart, upTo(2 * limit.burst));
    const Nanoseconds now =
        kStart + static_cast<Nanoseconds>(
                     upTo(static_cast<std::uint64_t>(spanOf(periodOf(limit), limit.burst))));
    const GcraView view = meter.look(now, units);
    ASSERT_EQ(view.admits, view.retry_after == 0);
    ASSERT_TRUE(meter.look(now + view.retry_after, units).admits);
    if (!view.admits) {
      ++waits;
      ASSERT_FALSE(meter.look(now + view.retry_after - 1, units).admits);
    }
  }
  EXPECT_GT(waits, 5000);
}

TEST(Gcra, RemainingCountsDownAndResetSaysWhenAllIsBack) {
  Meter meter{{60, 60, 5}};
  for (std::uint64_t used = 1; used <= 5; ++used) {
    const GcraView view = meter.look(kStart);
    EXPECT_TRUE(view.admits);
    EXPECT_EQ(view.remaining, 5 - used);
    EXPECT_EQ(view.reset_after, static_cast<Nanoseconds>(used) * kSecond);
    meter.charge(kStart);
    EXPECT_EQ(meter.look(kStart + view.reset_after, 0).remaining, 5U);
    EXPECT_EQ(meter.look(kStart + view.reset_after - 1, 0).remaining, 4U);
  }
  const GcraView refused = meter.look(kStart);
  EXPECT_FALSE(refused.admits);
  EXPECT_EQ(refused.remaining, 0U);
  EXPECT_EQ(refused.retry_after, kSecond);
  EXPECT_EQ(refused.reset_after, 5 * kSecond) << "what did not pass is not counted";
  EXPECT_EQ(meter.look(kStart + 2 * kSecond + 1, 3).remaining, 2U) << "what fits now, whole units";
}

TEST(Gcra, NothingIsSavedUpBeyondTheBurst) {
  Meter meter{{60, 60, 5}};
  EXPECT_TRUE(meter.take(kStart, 5));
  EXPECT_TRUE(meter.take(kStart + 24 * kHour, 5));
  EXPECT_FALSE(meter.take(kStart + 24 * kHour));
}

TEST(Gcra, HeldUnitsAreTakenAndDoNotComeBackWithTime) {
  const Meter meter{{60, 60, 10}};
  EXPECT_TRUE(meter.look(kStart, 4, 6).admits);
  EXPECT_EQ(meter.look(kStart, 4, 6).remaining, 0U);
  EXPECT_EQ(meter.look(kStart, 1, 6).remaining, 3U);
  EXPECT_FALSE(meter.look(kStart, 5, 6).admits);
  EXPECT_FALSE(meter.look(kStart + kHour, 5, 6).admits) << "only giving back helps";
  EXPECT_FALSE(meter.look(kStart + kHour, 100, 1).admits) << "more than the burst, and not at rest";
}

TEST(Gcra, HeldUnitsAndUsedOnesAddUp) {
  Meter meter{{60, 60, 10}};
  meter.charge(kStart, 5);
  const GcraView view = meter.look(kStart, 3, 4);
  EXPECT_FALSE(view.admits);
  EXPECT_EQ(view.remaining, 1U);
  EXPECT_EQ(view.retry_after, 2 * kSecond);
  EXPECT_EQ(view.reset_after, 9 * kSecond);
  EXPECT_TRUE(meter.look(kStart + 2 * kSecond, 3, 4).admits);
  EXPECT_FALSE(meter.look(kStart + 2 * kSecond - 1, 3, 4).admits);
}

TEST(Gcra, MoreUnitsThanTheBurstFitOnceNothingIsUsed) {
  Meter meter{{60, 60, 10}};
  EXPECT_TRUE(meter.take(kStart, 25));
  EXPECT_EQ(meter.look(kStart, 1).retry_after, 16 * kSecond) << "all 25 were charged";
  EXPECT_EQ(meter.look(kStart, 25).retry_after, 25 * kSecond);
  EXPECT_FALSE(meter.look(kStart + 25 * kSecond - 1, 25).admits);
  EXPECT_TRUE(meter.look(kStart + 25 * kSecond, 25).admits);
}

TEST(Gcra, RescaleKeepsWhatIsUsedInUnits) {
  const RateLimit before{60, 60, 10};
  const RateLimit after{7, 1, 10};
  Meter meter{before};
  meter.charge(kStart, 8);
  const Nanoseconds now = kStart + 3 * kSecond;
  meter.arrival = gcraRescale(meter.arrival, now, periodOf(before), periodOf(after));
  meter.limit = after;
  EXPECT_EQ(meter.look(now, 0).remaining, 5U);
  EXPECT_EQ(meter.arrival - now, 5 * periodOf(after));
  meter.arrival = gcraRescale(meter.arrival, now, periodOf(after), periodOf(before));
  EXPECT_EQ(meter.arrival, kStart + 8 * kSecond);
}

TEST(Gcra, RescaleLeavesAStateWithNothingUsedAlone) {
  EXPECT_EQ(gcraRescale(0, kStart, 0, kSecond), 0);
  EXPECT_EQ(gcraRescale(0, kStart, 5, kSecond), 0);
  EXPECT_EQ(gcraRescale(kStart, kStart, 5, kSecond), kStart);
  EXPECT_EQ(gcraRescale(kStart + 10, kStart, 5, 5), kStart + 10);
  EXPECT_EQ(gcraRescale(kStart + 10, kStart, 0, 5), kStart + 10) << "never used with a period";
}

TEST(Gcra, SpansEndAtTheLongestOne) {
  EXPECT_EQ(spanOf(kMaxSpan, 1), kMaxSpan);
  EXPECT_EQ(spanOf(kMaxSpan, UINT64_MAX), kMaxSpan);
  EXPECT_EQ(spanOf(1, UINT64_MAX), kMaxSpan);
  EXPECT_EQ(spanOf(0, UINT64_MAX), 0);
  EXPECT_EQ(gcraRescale(kStart + kMaxSpan, kStart, 1, kMaxSpan), kStart + kMaxSpan);
  Meter meter{{1, 86'400, 10}};
  meter.charge(kStart, UINT64_MAX);
  meter.charge(kStart, UINT64_MAX);
  EXPECT_EQ(meter.arrival, kStart + kMaxSpan);
  const GcraView view = meter.look(kStart, UINT64_MAX, UINT64_MAX);
  EXPECT_FALSE(view.admits);
  EXPECT_EQ(view.remaining, 0U);
  EXPECT_EQ(view.retry_after, kMaxSpan);
  EXPECT_EQ(view.reset_after, kMaxSpan);
}

// Another way to say the same: a bucket whose level is filled up from time to time, in units of
// one nanosecond's worth, without a bound on numbers.
class TokenBucket {
 public:
  explicit TokenBucket(const RateLimit& limit) : period_(periodOf(limit)), limit_(limit) {
    level_ = full();
  }
  void passTo(Nanoseconds now) {
    level_ = std::min(full(), level_ + (now - filled_at_));
    filled_at_ = now;
  }
  bool holds(std::uint64_t units) const {
    return level_ >= std::min(full(), static_cast<__int128>(units) * period_);
  }
  void take(std::uint64_t units) { level_ -= static_cast<__int128>(units) * period_; }
  std::uint64_t whole() const {
    return level_ > 0 ? static_cast<std::uint64_t>(level_ / period_) : 0;
  }

 private:
  __int128 full() const { return static_cast<__int128>(limit_.burst) * period_; }
  __int128 period_;
  RateLimit limit_;
  __int128 level_;
  Nanoseconds filled_at_ = 0;
};

TEST(Gcra, DecidesAsATokenBucketDoes) {
  std::mt19937_64 random(20'260'101);
  const auto upTo = [&random](std::uint64_t most) { return random() % (most + 1); };
  int admitted = 0;
  int refused = 0;
  for (int round = 0; round < 200; ++round) {
    const RateLimit limit{1 + upTo(10'000), static_cast<std::uint32_t>(1 + upTo(7200)),
                          1 + upTo(500)};
    Meter meter{limit};
    TokenBucket bucket(limit);
    Nanoseconds now = kStart;
    for (int step = 0; step < 500; ++step) {
      now += static_cast<Nanoseconds>(upTo(3 * static_cast<std::uint64_t>(periodOf(limit))));
      bucket.passTo(now);
      const std::uint64_t units = upTo(7) == 0 ? upTo(2 * limit.burst) : upTo(4);
      const bool is_forced = upTo(15) == 0;  // used without asking: a debt
      const GcraView view = meter.look(now, units);
      ASSERT_EQ(view.admits, bucket.holds(units)) << "round " << round << " step " << step;
      if (view.admits || is_forced) {
        meter.charge(now, units);
        bucket.take(units);
      }
      ASSERT_EQ(meter.look(now, 0).remaining, bucket.whole());
      ++(view.admits ? admitted : refused);
    }
  }
  EXPECT_GT(admitted, 10'000);
  EXPECT_GT(refused, 10'000);
}

}  // namespace
}  // namespace agw
