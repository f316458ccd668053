#include "bench/load/answer_parser.h"

#include <string>

#include <gtest/gtest.h>

namespace agent_load {
namespace {

using State = AnswerParser::State;

constexpr std::string_view kChunked =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    "9\r\ndata: a\n\n\r\n13\r\ndata: longer event\n\r\n0\r\n\r\n";
constexpr std::string_view kChunkedBody = "data: a\n\ndata: longer event\n";
constexpr std::string_view kPlain = "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello";

class AnswerParserTest : public testing::Test, private BodySink {
 protected:
  // Like a connection: what was not used comes again with the next piece.
  State feed(std::string_view piece) {
    unused_ += piece;
    std::size_t used = 0;
    const State state = parser_.put(unused_, used);
    unused_.erase(0, used);
    return state;
  }

  void restart() {
    parser_.reset();
    body_.clear();
    unused_.clear();
  }

  std::string body_;
  std::string unused_;
  AnswerParser parser_{*this};

 private:
  void takeBody(std::string_view bytes) override { body_ += bytes; }
};

TEST_F(AnswerParserTest, ReadsAChunkedAnswerInOneCall) {
  EXPECT_EQ(feed(kChunked), State::Complete);
  EXPECT_EQ(parser_.status(), 200u);
  EXPECT_TRUE(parser_.keepAlive());
  EXPECT_EQ(body_, kChunkedBody);
}

TEST_F(AnswerParserTest, ReadsTheSameWhereverTheAnswerIsCut) {
  for (std::size_t cut = 1; cut < kChunked.size(); ++cut) {
    restart();
    EXPECT_EQ(feed(kChunked.substr(0, cut)), State::NeedMore) << "cut at " << cut;
    EXPECT_EQ(feed(kChunked.substr(cut)), State::Complete) << "cut at " << cut;
    EXPECT_EQ(body_, kChunkedBody) << "cut at " << cut;
  }
}

TEST_F(AnswerParserTest, ReadsByteByByteAndHandsTheBodyOnAtOnce) {
  for (std::size_t i = 0; i + 1 < kPlain.size(); ++i) {
    ASSERT_EQ(feed(kPlain.substr(i, 1)), State::NeedMore) << i;
  }
  EXPECT_EQ(body_, "hell");
  EXPECT_EQ(parser_.status(), 404u);
  EXPECT_EQ(feed(kPlain.substr(kPlain.size() - 1)), State::Complete);
}

TEST_F(AnswerParserTest, TheNextAnswerComesAfterAReset) {
  EXPECT_EQ(feed(kPlain), State::Complete);
  restart();
  EXPECT_EQ(parser_.status(), 0u);
  EXPECT_EQ(feed(kChunked), State::Complete);
  EXPECT_EQ(body_, kChunkedBody);
}

TEST_F(AnswerParserTest, BytesBehindTheAnswerAreLeft) {
  EXPECT_EQ(feed(std::string(kPlain) + "HTTP"), State::Complete);
  EXPECT_EQ(unused_, "HTTP");
}

TEST_F(AnswerParserTest, AnAnswerWithoutLengthEndsWithTheConnection) {
  EXPECT_EQ(feed("HTTP/1.1 200 OK\r\n\r\ntext"), State::NeedMore);
  EXPECT_EQ(parser_.putEnd(), State::Complete);
  EXPECT_FALSE(parser_.keepAlive());
  EXPECT_EQ(body_, "text");
}

TEST_F(AnswerParserTest, ATruncatedAnswerIsNotComplete) {
  EXPECT_EQ(parser_.putEnd(), State::NeedMore);
  for (std::size_t size = 1; size < kChunked.size(); ++size) {
    restart();
    feed(kChunked.substr(0, size));
    EXPECT_EQ(parser_.putEnd(), State::NeedMore) << "cut at " << size;
  }
}

TEST_F(AnswerParserTest, ConnectionCloseIsHeard) {
  EXPECT_EQ(feed("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
            State::Complete);
  EXPECT_FALSE(parser_.keepAlive());
}

TEST_F(AnswerParserTest, WhatIsNoHttpIsMalformed) {
  for (const char* text : {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}) {
    restart();
    EXPECT_EQ(feed(text), State::Malformed) << text;
  }
}

TEST_F(AnswerParserTest, AHeaderThatIsTooLongIsMalformed) {
  EXPECT_EQ(feed("HTTP/1.1 200 OK\r\nX: " + std::string(9000, 'x') + "\r\n\r\n"), State::Malformed);
}

TEST_F(AnswerParserTest, ALargeBodyHasNoLimit) {
  ASSERT_EQ(feed("HTTP/1.1 200 OK\r\nContent-Length: 20971520\r\n\r\n"), State::NeedMore);
  const std::string piece(1024 * 1024, 'x');
  State state = State::NeedMore;
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(state, State::NeedMore);
    body_.clear();
    state = feed(piece);
  }
  EXPECT_EQ(state, State::Complete);
}

}  // namespace
}  // namespace agent_load
