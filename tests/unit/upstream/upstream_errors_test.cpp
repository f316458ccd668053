#include "upstream/upstream_errors.h"

#include <gtest/gtest.h>

namespace agw::upstream {
namespace {

TEST(UpstreamStatusError, HidesThatOurCredentialWasRefused) {
  for (const int status : {401, 403}) {
    const Error error =
        upstreamStatusError(status, R"({"error":{"message":"bad key sk-123"}})", {});
    EXPECT_EQ(error.httpStatus(), 502);
    EXPECT_EQ(error.code, ErrorCode::UpstreamAuth);
    EXPECT_EQ(error.message.find("sk-123"), std::string::npos);
  }
}

TEST(UpstreamStatusError, KeepsStatusAndTextOfRequestFaults) {
  for (const int status : {400, 404, 413, 422}) {
    const Error error = upstreamStatusError(status, R"({"error":{"message":"no such model"}})", {});
    EXPECT_EQ(error.httpStatus(), status);
    EXPECT_EQ(error.message, "no such model");
  }
}

TEST(UpstreamStatusError, ReadsEveryShapeOfAnErrorBody) {
  EXPECT_EQ(upstreamStatusError(400, R"({"error":"text"})", {}).message, "text");
  EXPECT_EQ(
      upstreamStatusError(400, R"({"object":"error","message":"old","code":400})", {}).message,
      "old");
  EXPECT_EQ(upstreamStatusError(400, "<html>", {}).message, "The upstream rejected the request.");
}

TEST(UpstreamStatusError, SaysWhenToAskAgain) {
  EXPECT_EQ(upstreamStatusError(429, "", Millis(700)).retry_after, Millis(700));
  EXPECT_EQ(upstreamStatusError(503, "", Millis(700)).retry_after, Millis(700));
  EXPECT_FALSE(upstreamStatusError(429, "", {}).retry_after);
  EXPECT_FALSE(upstreamStatusError(500, "", Millis(700)).retry_after);
}

TEST(UpstreamStatusError, SaysWhetherTheSameCallMayHaveAnotherAnswer) {
  for (const int status : {429, 502, 503, 504}) {
    EXPECT_TRUE(upstreamStatusError(status, "", {}).retryable) << status;
  }
  for (const int status : {302, 400, 401, 403, 404, 405, 408, 413, 422, 500, 501}) {
    EXPECT_FALSE(upstreamStatusError(status, "", {}).retryable) << status;
  }
  const auto no_money = R"({"error":{"message":"no credit","code":"insufficient_quota"}})";
  EXPECT_FALSE(upstreamStatusError(429, no_money, {}).retryable);
}

TEST(UpstreamStatusError, MapsTheRestToBadGatewayAndTimeout) {
  EXPECT_EQ(upstreamStatusError(500, "", {}).httpStatus(), 502);
  EXPECT_EQ(upstreamStatusError(503, "", {}).httpStatus(), 502);
  EXPECT_EQ(upstreamStatusError(302, "", {}).httpStatus(), 502);
  EXPECT_EQ(upstreamStatusError(504, "", {}).httpStatus(), 504);
}

}  // namespace
}  // namespace agw::upstream
