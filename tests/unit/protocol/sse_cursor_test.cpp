#include "protocol/sse_cursor.h"

#include <gtest/gtest.h>

namespace agw::protocol {
namespace {

SseCursor after(std::string_view bytes) {
  SseCursor cursor;
  cursor.feed(bytes);
  return cursor;
}

TEST(SseCursor, RemembersTheIdOfAnEmptyPrimingEvent) {
  const SseCursor cursor = after("id: s1_0\nretry: 250\ndata: \n\n");
  EXPECT_EQ(cursor.lastEventId(), "s1_0");
  ASSERT_TRUE(cursor.retry());
  EXPECT_EQ(cursor.retry()->count(), 250);
}

TEST(SseCursor, CountsAnIdOnlyWhenItsEventIsWhole) {
  EXPECT_EQ(after("id: 1\ndata: a\n\nid: 2\ndata: cut").lastEventId(), "1");
  EXPECT_EQ(after("id: 1\ndata: a\n\nid: 2\n\n").lastEventId(), "2");
}

TEST(SseCursor, KeepsTheIdOverEventsWithoutOne) {
  EXPECT_EQ(after("id: 1\ndata: a\n\ndata: b\n\n: comment\n\n").lastEventId(), "1");
}

TEST(SseCursor, GivesTheSameForAnyCutting) {
  const std::string bytes =
      "\xEF\xBB\xBFid: a\r\nretry: 7\r\ndata: x\r\n\r\nid:b\rdata:y\r\rid: c\ndata\n\n";
  const SseCursor whole = after(bytes);
  EXPECT_EQ(whole.lastEventId(), "c");
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    SseCursor cursor;
    cursor.feed(std::string_view(bytes).substr(0, cut));
    cursor.feed(std::string_view(bytes).substr(cut));
    EXPECT_EQ(cursor.lastEventId(), whole.lastEventId()) << cut;
    EXPECT_EQ(cursor.retry(), whole.retry()) << cut;
  }
  SseCursor slow;
  for (const char c : bytes) slow.feed(std::string_view(&c, 1));
  EXPECT_EQ(slow.lastEventId(), "c");
}

TEST(SseCursor, ForgetsAnIdThatCannotStandInAHeader) {
  EXPECT_EQ(after("id: ok\n\nid: caf\xc3\xa9\n\n").lastEventId(), "");
  EXPECT_EQ(after("id: ok\n\nid: a b\n\n").lastEventId(), "");
  EXPECT_EQ(after("id: ok\n\nid: " + std::string(5000, 'x') + "\n\n").lastEventId(), "");
  EXPECT_EQ(after("id: ok\n\nid\n\n").lastEventId(), "");
}

TEST(SseCursor, PassesOverLongLines) {
  const std::string data(100000, 'x');
  EXPECT_EQ(after("id: 1\ndata: " + data + "\n\n").lastEventId(), "1");
  EXPECT_EQ(after("id: 1\n\ndata: id: 9" + data + "\n\n").lastEventId(), "1");
}

TEST(SseCursor, TakesDigitsAloneAsRetry) {
  EXPECT_FALSE(after("retry: 1s\n\n").retry());
  EXPECT_FALSE(after("retry: -5\n\n").retry());
  EXPECT_FALSE(after("retry:\n\n").retry());
  EXPECT_FALSE(after("retry: 99999999999999999999\n\n").retry());
  EXPECT_EQ(after("retry: 0\n\n").retry()->count(), 0);
}

TEST(SseCursor, ForgetsACutEventWhenItStartsAgain) {
  SseCursor cursor = after("id: 1\n\nid: 2\nda");
  cursor.restart();
  cursor.feed("ta: x\n\n");
  EXPECT_EQ(cursor.lastEventId(), "1");
}

}  // namespace
}  // namespace agw::protocol
