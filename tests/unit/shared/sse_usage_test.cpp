#include "shared/sse_usage.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace agw {
namespace {

constexpr std::string_view kUsage =
    ": agent-usage {\"prompt_tokens\":11,\"completion_tokens\":7,\"total_tokens\":18}";

// Collects what passes, keeps what is held, and checks that what passes lies in the input.
class Collector {
 public:
  SseUsageFilter::Sink sink() { return {this, &Collector::pass, &Collector::hold}; }
  void setInput(std::string_view input) { input_ = input; }
  const std::string& text() const { return text_; }
  const std::string& held() const { return held_; }
  void dropHeld() { held_.clear(); }
  bool failing = false;

 private:
  static bool pass(void* context, std::string_view bytes) noexcept {
    auto& self = *static_cast<Collector*>(context);
    EXPECT_TRUE(bytes.empty() ||
                (bytes.data() >= self.input_.data() &&
                 bytes.data() + bytes.size() <= self.input_.data() + self.input_.size()));
    self.text_.append(self.held_).append(bytes);
    self.held_.clear();
    return !self.failing;
  }
  static bool hold(void* context, std::string_view bytes) noexcept {
    auto& self = *static_cast<Collector*>(context);
    EXPECT_FALSE(bytes.empty());
    self.held_.append(bytes);
    EXPECT_LE(self.held_.size(), SseUsageFilter::kMaxHeldBlock + SseUsageFilter::kMaxHeldLine);
    return !self.failing;
  }

  std::string_view input_;
  std::string text_;
  std::string held_;
};

struct Outcome {
  std::string text;
  std::uint64_t events = 0;
  std::int64_t total = -1;  // -1: no usage was seen

  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << '"' << outcome.text << "\" events " << outcome.events << " total " << outcome.total;
}

Outcome filter(const std::vector<std::string>& pieces) {
  SseUsageFilter usage_filter;
  Collector collector;
  for (const std::string& piece : pieces) {
    collector.setInput(piece);
    EXPECT_TRUE(usage_filter.feed(piece, collector.sink()));
  }
  collector.setInput({});
  EXPECT_TRUE(usage_filter.finish(collector.sink()));
  Outcome outcome{collector.text(), usage_filter.dataEvents()};
  if (usage_filter.usage()) outcome.total = usage_filter.usage()->total_tokens;
  return outcome;
}

struct Case {
  std::string input;
  Outcome expected;
};

std::vector<Case> cases() {
  const std::string usage(kUsage);
  return {
      {"", {"", 0, -1}},
      {"data: {\"a\":1}\n\n" + usage + "\n\ndata: [DONE]\n\n",
       {"data: {\"a\":1}\n\ndata: [DONE]\n\n", 2, 18}},
      // At the start, at the end, alone, before an error event.
      {usage + "\n\ndata: x\n\n", {"data: x\n\n", 1, 18}},
      {"data: x\n\n" + usage + "\n\n", {"data: x\n\n", 1, 18}},
      {usage + "\n\n", {"", 0, 18}},
      {"data: x\n\n" + usage + "\n\nevent: error\ndata: {}\n\n",
       {"data: x\n\nevent: error\ndata: {}\n\n", 2, 18}},
      // Other line ends.
      {"data: x\r\n\r\n" + usage + "\r\n\r\ndata: [DONE]\r\n\r\n",
       {"data: x\r\n\r\ndata: [DONE]\r\n\r\n", 2, 18}},
      {"data: x\r\r" + usage + "\r\rdata: [DONE]\r\r", {"data: x\r\rdata: [DONE]\r\r", 2, 18}},
      {"data: x\n\n" + usage + "\r\n\ndata: y\n\n", {"data: x\n\ndata: y\n\n", 2, 18}},
      {"data: x\n\n" + usage + "\n\r\ndata: y\n\n", {"data: x\n\ndata: y\n\n", 2, 18}},
      // A blank line after the block's own stays.
      {usage + "\n\n\ndata: x\n\n", {"\ndata: x\n\n", 1, 18}},
      {usage + "\r\n\r\n\r\ndata: x\n\n", {"\r\ndata: x\n\n", 1, 18}},
      // No blank line after it.
      {usage + "\ndata: x\n\n", {"data: x\n\n", 1, 18}},
      {usage + "\n" + usage + "\n\n", {"", 0, 18}},
      {usage + "\n: hello\n\n", {": hello\n\n", 0, 18}},
      // Inside another block only the line goes, or two events would become one.
      {"data: a\n" + usage + "\n\ndata: b\n\n", {"data: a\n\ndata: b\n\n", 2, 18}},
      {"data: a\r\n" + usage + "\r\n\r\ndata: b\r\n\r\n",
       {"data: a\r\n\r\ndata: b\r\n\r\n", 2, 18}},
      {": c\n" + usage + "\n\ndata: b\n\n", {": c\n\ndata: b\n\n", 1, 18}},
      // Behind a CR its LF stays, or the blank line would be taken for the second half of a CRLF.
      {"data: a\r" + usage + "\n\ndata: b\n\n", {"data: a\r\n\ndata: b\n\n", 2, 18}},
      {"data: a\r" + usage + "\r\n\ndata: b\n\n", {"data: a\r\n\ndata: b\n\n", 2, 18}},
      {"data: a\r" + usage + "\r\rdata: b\r\r", {"data: a\r\rdata: b\r\r", 2, 18}},
      {"data: a\r" + usage + "\r" + usage + "\n\n", {"data: a\r\n\n", 1, 18}},
      {"data: a\r" + usage + "\ndata: b\n\n", {"data: a\r\ndata: b\n\n", 1, 18}},
      {"data: a\r\r" + usage + "\r\n\r\n\r\n", {"data: a\r\r\r\n", 1, 18}},
      // The last block counts.
      {": agent-usage "
       "{\"prompt_tokens\":1,\"completion_tokens\":1,\"total_tokens\":2}\n\n" +
           usage + "\n\n",
       {"", 0, 18}},
      // Spaces in the JSON are fine.
      {": agent-usage { \"prompt_tokens\": 1, \"completion_tokens\": 2, \"total_tokens\": 3 }\n\n",
       {"", 0, 3}},
      // Comments that are no usage pass, whole.
      {": keep-alive\n\ndata: x\n\n", {": keep-alive\n\ndata: x\n\n", 1, -1}},
      {":\n\n", {":\n\n", 0, -1}},
      {":", {":", 0, -1}},
      {": agent-usage", {": agent-usage", 0, -1}},
      {": agent-usage \n\n", {": agent-usage \n\n", 0, -1}},
      {": agent-usage {}\n\n", {": agent-usage {}\n\n", 0, -1}},
      {": agent-usagE {\"x\":1}\n\n", {": agent-usagE {\"x\":1}\n\n", 0, -1}},
      {":agent-usage {\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}\n\n",
       {":agent-usage {\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}\n\n", 0,
        -1}},
      {" " + usage + "\n\n", {" " + usage + "\n\n", 0, -1}},
      {"data" + usage + "\n\n", {"data" + usage + "\n\n", 1, -1}},
      {usage + "x\n\n", {usage + "x\n\n", 0, -1}},
      {": agent-usage {\"prompt_tokens\":-1,\"completion_tokens\":2,\"total_tokens\":3}\n\n",
       {": agent-usage {\"prompt_tokens\":-1,\"completion_tokens\":2,\"total_tokens\":3}\n\n", 0,
        -1}},
      // Cut by the end of the stream.
      {"data: x\n\n" + usage, {"data: x\n\n" + usage, 1, -1}},
      {"data: x\n\n" + usage + "\n", {"data: x\n\n", 1, 18}},
      {"data: x", {"data: x", 1, -1}},
      // What counts as an event: one or more data lines up to a blank line.
      {"data: a\ndata: b\n\ndata: c\n\n", {"data: a\ndata: b\n\ndata: c\n\n", 2, -1}},
      {"data:a\n\ndata\n\ndat\n\ndatax: 1\n\nxdata: 1\n\n",
       {"data:a\n\ndata\n\ndat\n\ndatax: 1\n\nxdata: 1\n\n", 2, -1}},
      {"event: e\nid: 1\nretry: 5\n\n", {"event: e\nid: 1\nretry: 5\n\n", 0, -1}},
      {"event: e\r\ndata: 1\r\n\r\n: c\r\n\r\ndata: 2\r\n\r\n",
       {"event: e\r\ndata: 1\r\n\r\n: c\r\n\r\ndata: 2\r\n\r\n", 2, -1}},
  };
}

TEST(SseUsageFilter, TakesOutTheUsageBlockAndNothingElse) {
  for (const Case& test : cases()) EXPECT_EQ(filter({test.input}), test.expected);
}

TEST(SseUsageFilter, GivesTheSameOutputAtEveryCut) {
  for (const Case& test : cases()) {
    for (std::size_t cut = 0; cut <= test.input.size(); ++cut) {
      EXPECT_EQ(filter({test.input.substr(0, cut), test.input.substr(cut)}), test.expected)
          << "cut at " << cut;
    }
    std::vector<std::string> bytes;
    for (const char c : test.input) bytes.emplace_back(1, c);
    EXPECT_EQ(filter(bytes), test.expected);
  }
}

TEST(SseUsageFilter, GivesTheSameOutputAtEveryPairOfCuts) {
  const std::string input = "data: a\r\n\r\n" + std::string(kUsage) + "\r\n\r\ndata: [DONE]\n\n";
  const Outcome expected{"data: a\r\n\r\ndata: [DONE]\n\n", 2, 18};
  for (std::size_t first = 0; first <= input.size(); ++first) {
    for (std::size_t second = first; second <= input.size(); ++second) {
      ASSERT_EQ(filter({input.substr(0, first), input.substr(first, second - first),
                        input.substr(second)}),
                expected)
          << first << " " << second;
    }
  }
}

TEST(SseUsageFilter, PassesABlockOnceItsBlankLineIsThere) {
  SseUsageFilter usage_filter;
  Collector collector;
  const auto feed = [&](std::string_view piece) {
    collector.setInput(piece);
    EXPECT_TRUE(usage_filter.feed(piece, collector.sink()));
  };
  std::string expected;
  feed("data: {\"half");
  EXPECT_EQ(collector.text(), expected);
  feed("\":1}\n\n: k");
  expected += "data: {\"half\":1}\n\n";
  EXPECT_EQ(collector.text(), expected);
  feed("\n\n: agent-us");
  expected += ": k\n\n";
  EXPECT_EQ(collector.text(), expected);
  feed("er\n\nid: 7\r\n");
  expected += ": agent-user\n\n";
  EXPECT_EQ(collector.text(), expected);
  feed("data: 1\r");
  EXPECT_EQ(collector.text(), expected);
  // The LF of the last CR's line end may still come; the block is whole without it.
  feed("\n\r");
  expected += "id: 7\r\ndata: 1\r\n\r";
  EXPECT_EQ(collector.text(), expected);
  feed("\n");
  EXPECT_EQ(collector.text(), expected + "\n");
}

TEST(SseUsageFilter, PassesABlockThatIsTooLongToHoldAsItComes) {
  constexpr std::size_t kPiece = 1000;
  const std::string piece(kPiece, 'x');
  for (const std::string_view line_end : {"\n", "\r\n"}) {
    SseUsageFilter usage_filter;
    Collector collector;
    std::string input;
    const auto feed = [&](std::string_view bytes) {
      input += bytes;
      collector.setInput(bytes);
      EXPECT_TRUE(usage_filter.feed(bytes, collector.sink()));
    };
    feed("data: ");
    while (input.size() <= SseUsageFilter::kMaxHeldBlock) {
      EXPECT_EQ(collector.text(), "");
      feed(piece);
    }
    EXPECT_EQ(collector.text(), input);
    feed(piece);
    EXPECT_EQ(collector.text(), input);
    feed(std::string(line_end) + std::string(line_end) + "data: next");
    EXPECT_EQ(collector.text() + "data: next", input);
    EXPECT_EQ(collector.held(), "data: next");
  }
}

TEST(SseUsageFilter, HoldsNoMoreThanItsBound) {
  const std::string prefix(kUsageComment);
  for (const std::size_t size : {SseUsageFilter::kMaxHeldLine - 1, SseUsageFilter::kMaxHeldLine,
                                 SseUsageFilter::kMaxHeldLine + 1, std::size_t{10000}}) {
    const std::string line = prefix + std::string(size - prefix.size(), 'x') + "\n\n";
    for (const std::size_t cut :
         {std::size_t{0}, prefix.size(), std::size_t{100}, size - 1, size}) {
      EXPECT_EQ(filter({line.substr(0, cut), line.substr(cut)}), (Outcome{line, 0, -1}));
    }
  }
  SseUsageFilter usage_filter;
  Collector collector;
  const std::string long_line = prefix + std::string(1000, 'x');
  collector.setInput(long_line);
  EXPECT_TRUE(usage_filter.feed(long_line, collector.sink()));
  EXPECT_EQ(collector.held(), long_line);
}

TEST(SseUsageFilter, TakesTheLargestCounts) {
  const std::string line =
      ": agent-usage {\"prompt_tokens\":9223372036854775807,\"completion_tokens\":"
      "9223372036854775807,\"total_tokens\":9223372036854775807}\n\n";
  EXPECT_EQ(filter({line}), (Outcome{"", 0, 9223372036854775807}));
  const std::string over =
      ": agent-usage {\"prompt_tokens\":9223372036854775808,\"completion_tokens\":0,"
      "\"total_tokens\":0}\n\n";
  EXPECT_EQ(filter({over}), (Outcome{over, 0, -1}));
}

// A stream that breaks off after `text`, followed by an event of the edge: what the client gets.
std::string brokenOff(std::string_view text) {
  SseUsageFilter usage_filter;
  Collector collector;
  const auto feed = [&](std::string_view bytes) {
    collector.setInput(bytes);
    EXPECT_TRUE(usage_filter.feed(bytes, collector.sink()));
  };
  feed(text);
  collector.dropHeld();
  const std::string rest = std::string(usage_filter.cut()) + "data: error\n\n";
  feed(rest);
  return collector.text();
}

TEST(SseUsageFilter, ABrokenStreamEndsWithItsLastWholeBlock) {
  constexpr std::string_view kEnd = "data: error\n\n";
  const auto expect = [kEnd](std::string_view text, std::string_view before) {
    EXPECT_EQ(brokenOff(text), std::string(before) + std::string(kEnd)) << text;
  };
  expect("", "");
  expect("data: 1\n\n", "data: 1\n\n");
  expect("data: 1\n", "");
  expect("data: 1", "");
  expect("data: 1\r\n\r\n", "data: 1\r\n\r\n");
  expect("data: 1\r\n\r", "data: 1\r\n\r");
  expect("data: 1\r\n", "");
  expect("data: 1\r", "");
  expect(": ping", "");
  expect("data: 1\n\nid: 2\ndata: {\"i\"", "data: 1\n\n");
  expect("data: 1\n\n: agent-us", "data: 1\n\n");
  expect("data: 1\n\n" + std::string(kUsage), "data: 1\n\n");
  expect("data: 1\n\n" + std::string(kUsage) + "\n", "data: 1\n\n");
  expect("data: 1\n: agent-us", "");
}

TEST(SseUsageFilter, ClosesALongBlockThatHasPassedInPart) {
  constexpr std::string_view kEnd = "data: error\n\n";
  const std::string block = "data: " + std::string(SseUsageFilter::kMaxHeldBlock, 'x');
  const auto expect = [kEnd](const std::string& text, std::string_view closed_by) {
    EXPECT_TRUE(brokenOff(text) == text + std::string(closed_by) + std::string(kEnd));
  };
  expect(block, "\n\n");
  expect(block + "\n", "\n");
  expect(block + "\r", "\n\n");  // the first LF belongs to the CR
  expect(block + "\r\n", "\n");
  expect(block + "\ndata: y", "\n\n");
  expect(block + "\n\n", "");

  // Behind it a usage comment, whole or not, that does not pass.
  const auto expect_without = [&](const std::string& passes, const std::string& goes,
                                  std::string_view closed_by) {
    EXPECT_TRUE(brokenOff(passes + goes) == passes + std::string(closed_by) + std::string(kEnd))
        << "closed by " << closed_by.size();
  };
  const std::string usage(kUsage);
  expect_without(block + "\n", ": agent-us", "\n");
  expect_without(block + "\n", usage + "\n", "\n");
  expect_without(block + "\n", usage + "\r", "\n");
  expect_without(block + "\r", ": agent-us", "\n\n");
  expect_without(block + "\r", usage + "\r", "\n\n");
}

TEST(SseUsageFilter, StopsWhenTheSinkDoes) {
  SseUsageFilter usage_filter;
  Collector collector;
  collector.failing = true;
  constexpr std::string_view kText = "data: x\n\n: k\n\n";
  collector.setInput(kText);
  EXPECT_FALSE(usage_filter.feed(kText, collector.sink()));
}

}  // namespace
}  // namespace agw
