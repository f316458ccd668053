#include "base/json_text.h"

#include <gtest/gtest.h>

#include "base/json_reader.h"

namespace agw {
namespace {

std::string unescaped(std::string_view quoted) {
  std::string out;
  appendUnescaped(out, quoted);
  return out;
}

std::string cleaned(std::string_view json) {
  std::string out;
  appendCleanJson(out, json);
  return out;
}

TEST(JsonText, UnescapesLikeAParser) {
  for (const char* json :
       {R"("")", R"("a\"\\\/\b\f\n\r\t")", R"("\u0041\u00e9\u20ac\ud83c\udf89z")"}) {
    EXPECT_EQ(unescaped(json), parseJson(json).value().get<std::string>()) << json;
  }
}

TEST(JsonText, JoinsAndReplacesHalves) {
  EXPECT_EQ(cleanUtf8(unescaped(R"("\ud83c")") + unescaped(R"("\udf89!")")), "\U0001F389!");
  EXPECT_EQ(cleanUtf8(unescaped(R"("a\ud83cb")")), "a\uFFFDb");
  EXPECT_EQ(cleanUtf8(unescaped(R"("\udf89\ud83c")")), "\uFFFD\uFFFD");
  EXPECT_EQ(cleanUtf8("\xF0\x9F\x8E z"), "\uFFFD z");
  EXPECT_EQ(cleanUtf8("\xC3\xA9\xFF\x80"), "é\uFFFD\uFFFD");
}

TEST(JsonText, KeepsTheStartOfACharacterForTheNextPiece) {
  const std::string text = "é\U0001F389€";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    std::string tail;
    std::string out = cleanUtf8(text.substr(0, cut), &tail);
    out += cleanUtf8(tail + text.substr(cut));
    EXPECT_EQ(out, text) << cut;
  }
  std::string tail;
  EXPECT_EQ(cleanUtf8(unescaped(R"("x\ud83c")"), &tail), "x");
  EXPECT_EQ(tail, "\xED\xA0\xBC");
}

TEST(JsonText, MendsOnlyTheStringsThatNeedIt) {
  EXPECT_EQ(cleaned("{\"a\":\"\\u00e9\\/\", \"b\":\"x\xFF\",\n\"c\":[1.50,\"\\ud83c\",\"t\tt\"]}"),
            "{\"a\":\"\\u00e9\\/\", \"b\":\"x\uFFFD\", \"c\":[1.50,\"\uFFFD\",\"t\\tt\"]}");
}

TEST(JsonText, KnowsUtf8) {
  EXPECT_TRUE(isUtf8(""));
  EXPECT_TRUE(isUtf8("plain text, longer than a word"));
  EXPECT_TRUE(isUtf8("12345678é\U0001F389"));
  EXPECT_FALSE(isUtf8("12345678\xC3"));
  EXPECT_FALSE(isUtf8("\xED\xA0\xBC"));
}

}  // namespace
}  // namespace agw
