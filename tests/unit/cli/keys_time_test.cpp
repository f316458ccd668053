#include <gtest/gtest.h>

#include "cli/key_time.h"
#include "shared/quantity.h"

namespace agw::cli {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

TEST(KeyTime, ReadsSpans) {
  EXPECT_EQ(parseSpan("1s"), 1);
  EXPECT_EQ(parseSpan("90m"), 5'400);
  EXPECT_EQ(parseSpan("12h"), 43'200);
  EXPECT_EQ(parseSpan("30d"), 2'592'000);
  EXPECT_EQ(parseSpan("3650d"), 315'360'000);
  for (const std::string_view text : {"", "d", "7", "0d", "-1d", "+1d", " 7d", "7d ", "7w", "7dd",
                                      "3651d", "99999999999999999999d", "1.5d"}) {
    EXPECT_FALSE(parseSpan(text)) << text;
  }
}

TEST(KeyTime, ReadsExpiryAsTimeOrSpan) {
  EXPECT_EQ(parseExpiry("30d", kNow), kNow + 2'592'000);
  EXPECT_EQ(parseExpiry("2027-01-15T08:00:01Z", kNow), kNow + 1);
  EXPECT_FALSE(parseExpiry("2027-01-15", kNow));
  EXPECT_FALSE(parseExpiry("tomorrow", kNow));
}

TEST(KeyTime, WritesWhatTheKeyFileReads) {
  EXPECT_EQ(formatUtcTime(kNow), "2027-01-15T08:00:00Z");
  EXPECT_EQ(formatUtcTime(0), "1970-01-01T00:00:00Z");
  for (const std::int64_t time : {std::int64_t{951'827'696}, kNow, std::int64_t{253'402'300'799}}) {
    EXPECT_EQ(parseUtcTime(formatUtcTime(time)), time);
  }
}

TEST(KeyTime, ExpiresInTheSecondThatIsNamed) {
  EXPECT_EQ(keyState(0, kNow), KeyState::Valid);
  EXPECT_EQ(keyState(kNow + 7 * 86'400 + 1, kNow), KeyState::Valid);
  EXPECT_EQ(keyState(kNow + 7 * 86'400, kNow), KeyState::Expiring);
  EXPECT_EQ(keyState(kNow + 1, kNow), KeyState::Expiring);
  EXPECT_EQ(keyState(kNow, kNow), KeyState::Expired);
  EXPECT_EQ(keyState(1, kNow), KeyState::Expired);
}

}  // namespace
}  // namespace agw::cli
