// The loops that read over text and numbers, each on its own: where they stop.
#include "shared/string_skip.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "shared/number_skip.h"
#include "shared/string_ways.h"

namespace agw {
namespace {

using namespace std::string_literals;

// `text` in an allocation of its own size, `shift` bytes from an aligned address.
class Placed {
 public:
  Placed(std::string_view text, std::size_t shift)
      : memory_(new char[shift + text.size()]), begin_(memory_.get() + shift), size_(text.size()) {
    text.copy(begin_, size_);
  }
  const char* begin() const { return begin_; }
  const char* end() const { return begin_ + size_; }

 private:
  std::unique_ptr<char[]> memory_;
  char* begin_;
  std::size_t size_;
};

TEST(StringSkip, EachLoopFindsEveryByteThatEndsAPlainRun) {
  for (unsigned value = 0; value < 256; ++value) {
    const auto c = static_cast<unsigned char>(value);
    const bool ends = c == '"' || c == '\\' || c < 0x20 || c >= 0x80;
    ASSERT_EQ(endsPlainRun(c), ends) << value;
    for (std::size_t at = 0; at < 40; ++at) {
      std::string text(40, 'x');
      text[at] = static_cast<char>(c);
      const Placed placed(text, at % 16);
      const char* const stop = ends ? placed.begin() + at : placed.end();
      ASSERT_EQ(skipPlainBytes(placed.begin(), placed.end()), stop) << value << " at " << at;
      ASSERT_EQ(skipPlainWords(placed.begin(), placed.end()), stop) << value << " at " << at;
      ASSERT_EQ(skipPlainString(placed.begin(), placed.end()), stop) << value << " at " << at;
    }
  }
}

TEST(StringSkip, AnEmptyRangeIsNotRead) {
  const char* const nothing = nullptr;
  EXPECT_EQ(skipPlainWords(nothing, nothing), nothing);
  EXPECT_EQ(skipPlainString(nothing, nothing), nothing);
  for (const StringWay& way : stringWays()) EXPECT_EQ(way.skip(nothing, nothing), nothing);
}

TEST(StringSkip, TheBestWayIsTheLast) {
  ASSERT_FALSE(stringWays().empty());
  EXPECT_EQ(bestSkipText(), stringWays().back().skip);
  EXPECT_EQ(stringWays().front().name, "byte by byte");
#if defined(__x86_64__)
  EXPECT_GE(stringWays().size(), 2U);
#endif
}

// Good text before a quote: a way that reads in blocks must come to it as long as a block is left,
// or it would be right but slow.
TEST(StringSkip, BlocksLeadToTheClosingQuoteOfAnyGoodText) {
  for (const StringWay& way : stringWays().subspan(1)) {
    for (const std::string& piece :
         {"plain "s, "\\n"s, "\\\\"s, "\\\""s, "a\\/"s, "\\u00e4"s, "ab\\ud83d\\ude00"s,
          "\xC3\xA4"s, "x\xD0\xB6"s, "\xE4\xB8\xAD"s, "\xE0\xA4\x95"s, "\xED\x9F\xBF "s,
          "\xF0\x9F\x98\x80"s, "\xF4\x8F\xBF\xBF-"s, "\x7F"s}) {
      for (std::size_t shift = 0; shift < 70; ++shift) {
        std::string text(shift, '.');
        while (text.size() < shift + 200) text += piece;
        const std::size_t quote = text.size();
        text += '"' + std::string(63, '\x01');  // what follows the quote is nobody's business
        const Placed placed(text, shift % 64);
        EXPECT_EQ(way.skip(placed.begin(), placed.end()) - placed.begin(),
                  static_cast<std::ptrdiff_t>(quote))
            << way.name << " " << piece << " " << shift;
      }
    }
  }
}

TEST(StringSkip, BlocksStopAtOrBeforeAFault) {
  for (const StringWay& way : stringWays()) {
    for (const std::string& fault :
         {"\n"s, "\0"s, "\\x"s, "\\\n"s, "\\u12g4"s, "\\ud800"s, "\\udc00"s, "\x80"s, "\xC3("s,
          "\xC0\x80"s, "\xE0\x9F\xBF"s, "\xED\xA0\x80"s, "\xE4\xB8\""s, "\xF0\x8F\x80\x80"s,
          "\xF4\x90\x80\x80"s, "\xF5\x80\x80\x80"s, "\xFF"s}) {
      for (std::size_t at = 0; at < 140; ++at) {
        const Placed placed(std::string(at, 'x') + fault + std::string(100, 'y'), at % 64);
        const auto taken = way.skip(placed.begin(), placed.end()) - placed.begin();
        EXPECT_LE(taken, static_cast<std::ptrdiff_t>(at)) << way.name << " " << at;
        // Not further away than a block, so that the rest is not read in the slow way.
        if (way.skip != stringWays().front().skip) {
          EXPECT_LT(static_cast<std::ptrdiff_t>(at) - taken, 64) << way.name << " " << at;
        }
      }
    }
  }
}

TEST(NumberSkip, ReadsOverANumberThatTheNextByteEnds) {
  for (const std::string_view number : {"0", "-0", "1", "12", "-7", "0.5", "-1.25e3", "1e5", "1E-5",
                                        "2e+2", "0e0", "10.010", "12345678901234567890"}) {
    for (const char next : {',', '}', ']', ' ', 'x', '-', '+', '"'}) {
      const std::string text = std::string(number) + next;
      EXPECT_EQ(skipNumber(text.data(), text.data() + text.size()), text.data() + number.size())
          << text;
    }
    // It may go on in the next piece.
    EXPECT_EQ(skipNumber(number.data(), number.data() + number.size()), nullptr) << number;
  }
}

TEST(NumberSkip, LeavesWhatIsCutOrNoNumber) {
  for (const std::string_view text :
       {"",      "-",   "-,", "-a",   ".5,", "+1,",  "01,", "-01,", "00,",  "1.,", "1.",
        "1.e3,", "1e,", "1e", "1e+,", "1e+", "1e-x", "abc", "\"",   "1.5e", "1.5", "1e5"}) {
    EXPECT_EQ(skipNumber(text.data(), text.data() + text.size()), nullptr) << text;
  }
}

}  // namespace
}  // namespace agw
