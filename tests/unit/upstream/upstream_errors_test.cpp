#include "upstream/upstream_errors.h"

#include <gtest/gtest.h>

namespace agw::upstream {
namespace {

TEST(UpstreamStatusError, HidesThatOurCredentialWasRefused) {
  for (const int status : {401, 403}) {
    const Error error =
        upstreamStatusError(status, R"({"error":{"message":"bad key sk-123"}})", "");
    EXPECT_EQ(error.httpStatus(), 502);
    EXPECT_EQ(error.code, ErrorCode::UpstreamAuth);
    EXPECT_EQ(error.message.find("sk-123"), std::string::npos);
  }
}

TEST(UpstreamStatusError, KeepsStatusAndTextOfRequestFaults) {
  for (const int status : {400, 404, 422}) {
    const Error error = upstreamStatusError(status, R"({"error":{"message":"no such model"}})", "");
    EXPECT_EQ(error.httpStatus(), status);
    EXPECT_EQ(error.message, "no such model");
  }
}

TEST(UpstreamStatusError, ReadsEveryShapeOfAnErrorBody) {
  EXPECT_EQ(upstreamStatusError(400, R"({"error":"text"})", "").message, "text");
  EXPECT_EQ(
      upstreamStatusError(400, R"({"object":"error","message":"old","code":400})", "").message,
      "old");
  EXPECT_EQ(upstreamStatusError(400, "<html>", "").message, "The upstream rejected the request.");
}

TEST(UpstreamStatusError, KeepsRetryAfterWithinReason) {
  const auto wait = [](std::string_view text) {
    return upstreamStatusError(429, "", text).retry_after;
  };
  EXPECT_EQ(wait("7"), std::chrono::seconds(7));
  EXPECT_EQ(wait("0.5"), std::chrono::seconds(1));
  EXPECT_EQ(wait("999999"), std::chrono::seconds(3600));
  EXPECT_FALSE(wait("soon"));
  EXPECT_FALSE(wait(""));
}

TEST(UpstreamStatusError, MapsTheRestToBadGatewayAndTimeout) {
  EXPECT_EQ(upstreamStatusError(500, "", "").httpStatus(), 502);
  EXPECT_EQ(upstreamStatusError(503, "", "").httpStatus(), 502);
  EXPECT_EQ(upstreamStatusError(302, "", "").httpStatus(), 502);
  EXPECT_EQ(upstreamStatusError(504, "", "").httpStatus(), 504);
}

}  // namespace
}  // namespace agw::upstream
