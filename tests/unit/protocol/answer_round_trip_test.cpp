// What the gateway does not know of an answer reaches the client byte for byte, at every level, of
// streams and of whole answers: generated answers against the pieces that they were made of.
#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <vector>

#include "protocol/answer_shield.h"
#include "protocol/answer_writer.h"
#include "support/json_texts.h"

namespace agw::protocol {
namespace {

using test::AnswerWriter;
using test::JsonTexts;
using test::MemberText;

constexpr std::uint32_t kSeed = 20261123;
constexpr unsigned kAnswers = 100'000;

struct Seen {
  std::vector<std::string> rests;
  std::string usage;
  std::string error;
};

// Feeds the body in pieces of any size.
Seen read(const std::string& body, bool stream, bool as_stream, JsonTexts& random) {
  AnswerShield shield({stream, as_stream ? "text/event-stream" : "application/json", ""});
  Seen seen;
  std::size_t at = 0;
  while (!shield.isOver()) {
    const auto chunk = shield.next();
    if (!chunk) {
      seen.error = chunk.error().message;
      break;
    }
    if (*chunk) {
      if (!(*chunk)->rest.empty()) seen.rests.emplace_back((*chunk)->rest);
      if (!(*chunk)->usage_json.empty()) seen.usage = (*chunk)->usage_json;
    } else if (at < body.size()) {
      const std::size_t size = 1 + random.below(random.onceIn(2) ? 40 : 4000);
      shield.feed(std::string_view(body).substr(at, size));
      at += size;
    } else {
      shield.end();
    }
  }
  return seen;
}

// Whether the member stands somewhere, white space aside.
bool holds(const std::string& text, const MemberText& member) {
  const auto skipSpace = [&text](std::size_t at) { return text.find_first_not_of(" \t", at); };
  for (auto at = text.find(member.name); at != std::string::npos;
       at = text.find(member.name, at + 1)) {
    const std::size_t colon = skipSpace(at + member.name.size());
    if (colon == std::string::npos || text[colon] != ':') continue;
    const std::size_t value = skipSpace(colon + 1);
    if (value != std::string::npos && text.compare(value, member.value.size(), member.value) == 0) {
      return true;
    }
  }
  return false;
}

TEST(AnswerRoundTrip, KeepsEveryByteOfCleanAnswers) {
  std::cout << "seed " << kSeed << ", " << kAnswers << " answers\n";
  JsonTexts json(kSeed, false, true);
  for (unsigned i = 0; i < kAnswers; ++i) {
    AnswerWriter writer(json, true);
    const bool stream = i % 2 == 0;
    if (stream) {
      writer.writeStream();
    } else {
      writer.writeWhole();
    }
    const Seen seen = read(writer.body, stream, stream, json);
    ASSERT_EQ(seen.error, "") << "answer " << i << "\n" << writer.body;
    ASSERT_EQ(seen.rests, writer.rests) << "answer " << i << "\n" << writer.body;
    if (stream) {
      ASSERT_EQ(seen.usage, writer.usage_json) << "answer " << i << "\n" << writer.body;
    }
  }
}

// Answers that need a repair, or come in the other form: the order is ours then, but every unknown
// member is there.
TEST(AnswerRoundTrip, LosesNoUnknownMemberOfAnswersThatAreRepaired) {
  JsonTexts json(kSeed + 1, false, true);
  for (unsigned i = 0; i < kAnswers / 5; ++i) {
    AnswerWriter writer(json, false);
    const bool as_stream = i % 2 == 0;
    const bool stream = json.onceIn(2);
    if (as_stream) {
      writer.writeStream();
    } else {
      writer.writeWhole();
    }
    const Seen seen = read(writer.body, stream, as_stream, json);
    ASSERT_EQ(seen.error, "") << "answer " << i << "\n" << writer.body;
    std::string all = seen.usage;
    for (const std::string& rest : seen.rests) all += rest;
    for (const MemberText& member : writer.unknown) {
      ASSERT_TRUE(holds(all, member)) << "answer " << i << " lost " << member.name << "\n"
                                      << writer.body << "\n"
                                      << all;
    }
  }
}

}  // namespace
}  // namespace agw::protocol
