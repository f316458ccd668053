#include "upstream/retry_policy.h"

#include <gtest/gtest.h>

#include <string>

namespace agw::upstream {
namespace {

using std::chrono::system_clock;

// 1994-11-06 08:49:30 UTC, seven seconds before the date of RFC 9110's examples.
const system_clock::time_point kNow = system_clock::from_time_t(784111770);

TEST(ParseRetryAfter, ReadsEverySpelling) {
  const auto wait = [](std::string_view text) { return parseRetryAfter(text, "", kNow); };
  EXPECT_EQ(wait("7"), Millis(7000));
  EXPECT_EQ(wait("0"), Millis(0));
  EXPECT_EQ(wait("0.5"), Millis(500));
  EXPECT_EQ(wait("1.0004"), Millis(1001)) << "never too early";
  EXPECT_EQ(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Millis(7000));
  EXPECT_EQ(wait("Sunday, 06-Nov-94 08:49:37 GMT"), Millis(7000));
  EXPECT_EQ(wait("Sun Nov  6 08:49:37 1994"), Millis(7000));
  EXPECT_EQ(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Millis(0)) << "it has passed";
}

TEST(ParseRetryAfter, CapsWhatIsAbsurd) {
  const auto wait = [](std::string_view text) { return parseRetryAfter(text, "", kNow); };
  EXPECT_EQ(wait("999999"), kMaxRetryAfter);
  EXPECT_EQ(wait(std::string(400, '9')), kMaxRetryAfter);
  EXPECT_EQ(wait("Sun, 06 Nov 2094 08:49:37 GMT"), kMaxRetryAfter);
  EXPECT_EQ(parseRetryAfter("", "99999999999", kNow), kMaxRetryAfter);
}

TEST(ParseRetryAfter, TakesMillisecondsFirst) {
  EXPECT_EQ(parseRetryAfter("7", "250", kNow), Millis(250));
  EXPECT_EQ(parseRetryAfter("", "250.2", kNow), Millis(251));
  EXPECT_EQ(parseRetryAfter("7", "soon", kNow), Millis(7000));
}

TEST(ParseRetryAfter, LeavesNonsenseAlone) {
  for (const char* text :
       {"", "soon", "-1", "1s", "7 ", "inf", "nan", "0x10", "1e3", ".", "--1", "Sun, 06 Nov 1994",
        "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT, or later"}) {
    EXPECT_FALSE(parseRetryAfter(text, "", kNow)) << text;
  }
  EXPECT_FALSE(parseRetryAfter(std::string(5000, ' '), "", kNow));
}

config::RetrySettings settings() { return {3, Millis(100), Millis(1000)}; }

TEST(WaitBefore, GrowsExponentiallyWithFullJitter) {
  const auto wait = [](unsigned retry, double random) {
    return waitBefore(retry, settings(), {}, random);
  };
  EXPECT_EQ(wait(1, 0), Millis(0));
  EXPECT_EQ(wait(1, 0.5), Millis(50));
  EXPECT_EQ(wait(2, 0.5), Millis(100));
  EXPECT_EQ(wait(3, 0.5), Millis(200));
  EXPECT_EQ(wait(4, 0.5), Millis(400));
  EXPECT_EQ(wait(5, 0.5), Millis(500)) << "the longest wait is 1 s";
  EXPECT_EQ(wait(10, 0.5), Millis(500));
}

TEST(WaitBefore, WaitsAsLongAsItIsAskedTo) {
  EXPECT_EQ(waitBefore(1, settings(), Millis(700), 0.5), Millis(700));
  EXPECT_EQ(waitBefore(3, settings(), Millis(10), 0.5), Millis(200)) << "and as long as it would";
  EXPECT_EQ(waitBefore(1, settings(), Millis(1000), 0.5), Millis(1000));
  EXPECT_FALSE(waitBefore(1, settings(), Millis(1001), 0.5)) << "not longer than is allowed";
}

TEST(MayBeMadeAgain, DependsOnWhatWentWrong) {
  const auto again = [](ErrorCode code, bool retryable) {
    Error error = upstreamError(code, "");
    error.retryable = retryable;
    return mayBeMadeAgain(error);
  };
  EXPECT_EQ(again(ErrorCode::UpstreamUnreachable, false), Again::Anywhere);
  EXPECT_EQ(again(ErrorCode::UpstreamError, true), Again::Anywhere) << "502 and 503";
  EXPECT_EQ(again(ErrorCode::UpstreamError, false), Again::Elsewhere) << "500";
  EXPECT_EQ(again(ErrorCode::UpstreamTimeout, true), Again::Anywhere) << "504, or connecting";
  EXPECT_EQ(again(ErrorCode::UpstreamTimeout, false), Again::Elsewhere) << "silence";
  EXPECT_EQ(again(ErrorCode::UpstreamRateLimited, true), Again::Anywhere);
  EXPECT_EQ(again(ErrorCode::UpstreamRateLimited, false), Again::Elsewhere) << "out of money";
  EXPECT_EQ(again(ErrorCode::UpstreamAuth, false), Again::Elsewhere);
  EXPECT_EQ(again(ErrorCode::UpstreamInvalidResponse, false), Again::Elsewhere);
  EXPECT_EQ(again(ErrorCode::UpstreamOverloaded, false), Again::Elsewhere);
  EXPECT_EQ(again(ErrorCode::UpstreamUnavailable, false), Again::Elsewhere);
  EXPECT_EQ(again(ErrorCode::UpstreamRejected, false), Again::Never);
  EXPECT_EQ(again(ErrorCode::UpstreamStreamTruncated, false), Again::Elsewhere);
  EXPECT_EQ(again(ErrorCode::InternalError, true), Again::Never);
}

}  // namespace
}  // namespace agw::upstream
