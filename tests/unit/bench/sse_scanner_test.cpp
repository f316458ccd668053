#include "bench/load/sse_scanner.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent_load {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Payloads = std::vector<std::string>;

constexpr std::string_view kStream =
    ": a comment\n"
    "event: message\n"
    "data: {\"a\":1}\n\n"
    "data:no space\r\n\r\n"
    "data:\n\n"
    "data:  two spaces\n"
    "database: is no data\n"
    "id: data: nor is this\n\n"
    "data: [DONE]\n\n";

Payloads payloadsOf(const std::vector<std::string_view>& pieces) {
  SseScanner scanner;
  Payloads result;
  for (const std::string_view piece : pieces) {
    scanner.feed(piece, [&result](std::string_view payload) { result.emplace_back(payload); });
  }
  return result;
}

TEST(SseScanner, FindsTheLinesThatCarryData) {
  EXPECT_THAT(payloadsOf({kStream}),
              ElementsAre("{\"a\":1}", "no space", "", " two spaces", kDone));
}

TEST(SseScanner, FindsTheSameWhereverTheStreamIsCutInTwo) {
  const Payloads whole = payloadsOf({kStream});
  for (std::size_t cut = 0; cut <= kStream.size(); ++cut) {
    EXPECT_EQ(payloadsOf({kStream.substr(0, cut), kStream.substr(cut)}), whole) << "cut at " << cut;
  }
}

TEST(SseScanner, FindsTheSameInPiecesOfAnySize) {
  const Payloads whole = payloadsOf({kStream});
  for (std::size_t size = 1; size < kStream.size(); ++size) {
    std::vector<std::string_view> pieces;
    for (std::size_t at = 0; at < kStream.size(); at += size) {
      pieces.push_back(kStream.substr(at, size));
    }
    EXPECT_EQ(payloadsOf(pieces), whole) << "pieces of " << size;
  }
}

TEST(SseScanner, ALineThatHasNotEndedIsNoEvent) {
  EXPECT_THAT(payloadsOf({"data: unfinished"}), IsEmpty());
}

TEST(SseScanner, ResetForgetsTheUnfinishedLine) {
  SseScanner scanner;
  Payloads result;
  const auto take = [&result](std::string_view payload) { result.emplace_back(payload); };
  scanner.feed("data: from the stream befo", take);
  scanner.reset();
  scanner.feed("data: x\n", take);
  EXPECT_THAT(result, ElementsAre("x"));
}

TEST(SseScanner, ALongLineIsOneEventAndItsBeginningIsKept) {
  const std::string long_piece(SseScanner::kMaxKept, 'x');
  const Payloads payloads = payloadsOf({"data: ", long_piece, long_piece, "\ndata: next\n"});
  ASSERT_EQ(payloads.size(), 2u);
  EXPECT_EQ(payloads[0], std::string(SseScanner::kMaxKept - 6, 'x'));
  EXPECT_EQ(payloads[1], "next");
}

}  // namespace
}  // namespace agent_load
