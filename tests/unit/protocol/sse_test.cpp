#include "protocol/sse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace agw::protocol {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::IsEmpty;

// "type|id|data" of every event, the last one may be unterminated; "ERROR" for a failure.
void drain(SseParser& parser, std::vector<std::string>& out) {
  for (;;) {
    auto event = parser.next();
    if (!event) {
      out.push_back("ERROR");
      return;
    }
    if (!*event) return;
    out.push_back((*event)->type + "|" + (*event)->id + "|" + (*event)->data);
  }
}

void end(SseParser& parser, std::vector<std::string>& out) {
  for (;;) {
    auto event = parser.finish();
    if (!event) {
      out.push_back("ERROR");
      return;
    }
    if (!*event) return;
    out.push_back((*event)->type + "|" + (*event)->id + "|" + (*event)->data);
  }
}

std::vector<std::string> parse(const std::vector<std::string_view>& pieces,
                               SseParser parser = SseParser()) {
  std::vector<std::string> out;
  for (const std::string_view piece : pieces) {
    parser.feed(piece);
    drain(parser, out);
  }
  end(parser, out);
  return out;
}

struct Case {
  const char* name;
  std::string stream;
  std::vector<std::string> events;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"lf", "data: a\n\ndata: b\n\n", {"||a", "||b"}},
      {"crlf", "data: a\r\n\r\ndata: b\r\n\r\n", {"||a", "||b"}},
      {"cr", "data: a\r\rdata: b\r\r", {"||a", "||b"}},
      {"mixed line ends", "data: a\r\n\ndata: b\n\r\ndata: c\r\r\n", {"||a", "||b", "||c"}},
      {"bom",
       "\xEF\xBB\xBF"
       "data: a\n\n",
       {"||a"}},
      {"only one bom",
       "\xEF\xBB\xBF\xEF\xBB\xBF"
       "data: a\n\n",
       {}},
      {"bom in the middle",
       "data: a\n\n\xEF\xBB\xBF"
       "data: b\n\n",
       {"||a"}},
      {"no space after the colon", "data:a\n\n", {"||a"}},
      {"one space is removed", "data:  a \n\n", {"|| a "}},
      {"no colon", "data\ndata: a\n\n", {"||\na"}},
      {"lines are joined", "data: a\ndata:\ndata: b\n\n", {"||a\n\nb"}},
      {"type and id", "event: e\nid: 7\ndata: a\n\n", {"e|7|a"}},
      {"the type ends with its event", "event: e\ndata: a\n\ndata: b\n\n", {"e||a", "||b"}},
      {"the type of a dropped event is forgotten", "event: e\n\ndata: b\n\n", {"||b"}},
      {"the id stays", "id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", {"|1|a", "|1|b", "||c"}},
      {"an id without data counts", "id: 1\ndata:\n\ndata: a\n\n", {"|1|a"}},
      {"an id with NUL is ignored", "id: 1\0"s + "2\ndata: a\n\n", {"||a"}},
      {"comments", ": hello\n:\ndata: a\n: x\n\n: keep-alive\n\n", {"||a"}},
      {"unknown fields", "foo: bar\nDATA: x\n data: y\ndata: a\nretry: 10\n\n", {"||a"}},
      {"colons in the value", "data: {\"a\":1}\n\n", {"||{\"a\":1}"}},
      {"empty stream", "", {}},
      {"blank lines alone", "\n\r\n\r\n\n", {}},
      {"unterminated event", "data: a\n\ndata: b\n", {"||a", "||b"}},
      {"unterminated line", "data: a\n\ndata: [DONE]", {"||a", "||[DONE]"}},
      {"unterminated comment", "data: a\n\n: x", {"||a"}},
      {"ends in cr", "data: a\r", {"||a"}},
      {"part of a bom", "\xEF\xBB", {}},
      {"utf-8", "data: gr\xC3\xBC\xC3\x9F\n\n", {"||gr\xC3\xBC\xC3\x9F"}},
  };
  return all;
}

TEST(SseParser, ReadsStreamsAsClientsDo) {
  for (const Case& c : cases()) EXPECT_EQ(parse({c.stream}), c.events) << c.name;
}

TEST(SseParser, GivesTheSameEventsWhereverTheStreamIsCut) {
  for (const Case& c : cases()) {
    const std::string_view all = c.stream;
    for (std::size_t first = 0; first <= all.size(); ++first) {
      for (std::size_t second = first; second <= all.size(); ++second) {
        EXPECT_EQ(
            parse({all.substr(0, first), all.substr(first, second - first), all.substr(second)}),
            c.events)
            << c.name << " cut at " << first << " and " << second;
      }
    }
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < all.size(); ++i) bytes.push_back(all.substr(i, 1));
    EXPECT_EQ(parse(bytes), c.events) << c.name << " byte by byte";
  }
}

TEST(SseParser, GivesAnEventAsSoonAsItsBlankLineIsThere) {
  for (const std::string_view blank : {"\n\n", "\r\n\r\n", "\r\r"}) {
    SseParser parser;
    std::vector<std::string> out;
    parser.feed("data: a");
    parser.feed(blank.substr(0, blank.size() - 1));
    drain(parser, out);
    // A CR ends its line at once: the LF of a CRLF is not waited for.
    if (blank == "\r\n\r\n") {
      EXPECT_THAT(out, ElementsAre("||a"));
    } else {
      EXPECT_THAT(out, IsEmpty());
    }
    parser.feed(blank.substr(blank.size() - 1));
    drain(parser, out);
    EXPECT_THAT(out, ElementsAre("||a"));
  }
}

TEST(SseParser, RefusesALineOverTheLimitBeforeItEnds) {
  SseParser parser(16, 100);
  parser.feed("data: 1234567890\n\n");  // 16 bytes
  std::vector<std::string> out;
  drain(parser, out);
  EXPECT_THAT(out, ElementsAre("||1234567890"));
  parser.feed("data: 12345678901");
  auto failed = parser.next();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::UpstreamInvalidResponse);
  EXPECT_EQ(failed.error().source, ErrorSource::Upstream);
  EXPECT_EQ(failed.error().detail, "a line is over 16 bytes");
}

TEST(SseParser, RefusesAnEventOverTheLimit) {
  EXPECT_THAT(parse({"data: 1234\ndata: 6789\n\n"}, SseParser(100, 10)),
              ElementsAre("||1234\n6789"));
  EXPECT_THAT(parse({"data: 1234\ndata: 67890\n\n"}, SseParser(100, 9)),
              ElementsAre("ERROR", "ERROR"));
  std::string empty_lines = "data: x\n";
  for (int i = 0; i < 20; ++i) empty_lines += "data:\n";
  EXPECT_THAT(parse({empty_lines + "\n"}, SseParser(100, 10)), ElementsAre("ERROR", "ERROR"));
}

TEST(SseParser, StaysFailed) {
  SseParser parser(4, 100);
  parser.feed("data: too long\n\n");
  EXPECT_FALSE(parser.next());
  parser.feed("\ndata: a\n\n");
  EXPECT_FALSE(parser.next());
  EXPECT_FALSE(parser.finish());
}

TEST(SseParser, LimitsTheUnterminatedLastLineToo) {
  EXPECT_THAT(parse({"data: 12345678901"}, SseParser(16, 100)), ElementsAre("ERROR", "ERROR"));
  EXPECT_THAT(parse({"data: 12345678901"}, SseParser(100, 5)), ElementsAre("ERROR"));
}

TEST(SseParser, TellsTheLastIdAndTheRetryTime) {
  SseParser parser;
  EXPECT_EQ(parser.retry(), std::nullopt);
  parser.feed("id: p1\nretry: 1500\ndata:\n\nretry: soon\nretry: 99999999999\n\n");
  std::vector<std::string> out;
  drain(parser, out);
  EXPECT_THAT(out, IsEmpty());
  EXPECT_EQ(parser.lastEventId(), "p1");
  EXPECT_EQ(parser.retry(), std::chrono::milliseconds(1500));
}

// Long events in small pieces: time grows with the bytes, not with their square.
TEST(SseParser, ScansEachByteOnce) {
  SseParser parser(8 << 20, 8 << 20);
  std::vector<std::string> out;
  parser.feed("data: ");
  for (int i = 0; i < 4 << 20; i += 64) {
    parser.feed(std::string(64, 'x'));
    drain(parser, out);
  }
  end(parser, out);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].size(), 2u + (4u << 20));
}

}  // namespace
}  // namespace agw::protocol
