#include "shared/quantity.h"

#include <gtest/gtest.h>

#include <string>

namespace agw {
namespace {

TEST(Quantity, ReadsCounts) {
  EXPECT_EQ(parseCount("1"), 1U);
  EXPECT_EQ(parseCount("250"), 250U);
  EXPECT_EQ(parseCount("100k"), 100'000U);
  EXPECT_EQ(parseCount("100K"), 100'000U);
  EXPECT_EQ(parseCount("5m"), 5'000'000U);
  EXPECT_EQ(parseCount("1000000M"), kMaxCount);
  for (const auto* bad : {"", "0", "0k", "k", "-1", "+1", "1.5", "1g", "1kk", " 1", "1 ", "0x1",
                          "1000000000001", "1000001m", "99999999999999999999"}) {
    EXPECT_FALSE(parseCount(bad)) << bad;
  }
}

TEST(Quantity, ReadsRates) {
  const auto rate = parseRate("60/m");
  ASSERT_TRUE(rate);
  EXPECT_EQ(rate->count, 60U);
  EXPECT_EQ(rate->window_seconds, 60U);
  EXPECT_EQ(parseRate("1/s")->window_seconds, 1U);
  EXPECT_EQ(parseRate("1/h")->window_seconds, 3600U);
  EXPECT_EQ(parseRate("1m/d")->window_seconds, 86400U);
  EXPECT_EQ(parseRate("1m/m")->count, 1'000'000U);
  EXPECT_TRUE(parseRate("1000m/s"));
  for (const auto* bad :
       {"", "/m", "60", "60/", "60/mm", "60m", "0/m", "60/1m", "60 /m", "60/M", "1001m/s"}) {
    EXPECT_FALSE(parseRate(bad)) << bad;
  }
}

TEST(Quantity, ReadsDurations) {
  EXPECT_EQ(parseDuration("600s"), 600U);
  EXPECT_EQ(parseDuration("10m"), 600U);
  EXPECT_EQ(parseDuration("2h"), 7200U);
  EXPECT_EQ(parseDuration("30d"), 2'592'000U);
  for (const auto* bad :
       {"", "s", "600", "0s", "-1s", "1.5h", "31d", "10ms", "1w", "1 s", "99999999999999999999s"}) {
    EXPECT_FALSE(parseDuration(bad)) << bad;
  }
}

TEST(Quantity, ReadsTimes) {
  EXPECT_EQ(parseUtcTime("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parseUtcTime("1970-01-01T00:00:01Z"), 1);
  EXPECT_EQ(parseUtcTime("2000-02-29T23:59:59Z"), 951868799);
  EXPECT_EQ(parseUtcTime("2024-02-29T12:00:00Z"), 1709208000);
  EXPECT_EQ(parseUtcTime("2027-06-30T00:00:00Z"), 1814313600);
  EXPECT_EQ(parseUtcTime("2100-03-01T00:00:00Z"), 4107542400);
  EXPECT_EQ(parseUtcTime("9999-12-31T23:59:59Z"), 253402300799);
  for (const auto* bad : {"", "2027-06-30", "2027-06-30T00:00:00", "2027-06-30T00:00:00z",
                          "2027-06-30 00:00:00Z", "2027-06-30T00:00:00+00:00",
                          "2027-06-30T00:00:00.0Z", "2027-13-01T00:00:00Z", "2027-00-01T00:00:00Z",
                          "2027-06-31T00:00:00Z", "2027-06-00T00:00:00Z", "2027-02-29T00:00:00Z",
                          "2100-02-29T00:00:00Z", "2027-06-30T24:00:00Z", "2027-06-30T00:60:00Z",
                          "2027-06-30T00:00:60Z", "1969-12-31T23:59:59Z", "20x7-06-30T00:00:00Z"}) {
    EXPECT_FALSE(parseUtcTime(bad)) << bad;
  }
}

std::string twoDigits(int number) { return (number < 10 ? "0" : "") + std::to_string(number); }

TEST(Quantity, CountsEveryDayOnce) {
  std::int64_t previous = *parseUtcTime("1999-12-31T00:00:00Z");
  unsigned days = 0;
  for (int year = 2000; year < 2030; ++year) {
    for (int month = 1; month <= 12; ++month) {
      for (int day = 1; day <= 31; ++day) {
        const std::string text =
            std::to_string(year) + "-" + twoDigits(month) + "-" + twoDigits(day) + "T00:00:00Z";
        const auto time = parseUtcTime(text);
        if (!time) continue;
        EXPECT_EQ(*time, previous + 86400) << text;
        previous = *time;
        ++days;
      }
    }
  }
  EXPECT_EQ(days, 30U * 365 + 8);
}

}  // namespace
}  // namespace agw
