#include "base/json_cursor.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/json_reader.h"

namespace agw {
namespace {

bool isJson(std::string_view text, bool* cut = nullptr) {
  JsonCursor cursor(text);
  std::string_view value;
  const bool good =
      cursor.value(value) && cursor.peek() == '\0' && cursor.at() == text.data() + text.size();
  if (cut != nullptr) *cut = cursor.isCut();
  return good;
}

TEST(JsonCursor, TakesWhatIsJson) {
  for (const char* text :
       {"{}", " [ ] ", "[1,-0,0.5,1e9,1E-2,-12.25e+3]", R"("a\"\\\/\b\f\n\r\tA")", "true", "null",
        R"({"a":{"b":[{},[],"",false]},"c":"a long string of more than eight bytes"})", "0"}) {
    EXPECT_TRUE(isJson(text)) << text;
    EXPECT_TRUE(parseJson(text)) << text;
  }
}

TEST(JsonCursor, RefusesWhatIsNone) {
  for (const char* text :
       {"",           "{",     "[1,]", "{\"a\"}", "{\"a\":}", "{a:1}", "01",      "1.",
        "-",          "1e",    "+1",   "tru",     "nul",      "\"a",   "\"\\x\"", "\"\\u12g4\"",
        "{\"a\":1,}", "[1 2]", "}",    "{} {}",   "NaN",      "'a'"}) {
    EXPECT_FALSE(isJson(text)) << text;
    EXPECT_FALSE(parseJson(text)) << text;
  }
}

TEST(JsonCursor, TellsACutFromAFault) {
  const std::string whole = R"({"a":[1,-2.5e3,"x\n\u00e9",true,null],"b":{"c":""}})";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    bool cut = false;
    EXPECT_FALSE(isJson(std::string_view(whole).substr(0, size), &cut));
    EXPECT_TRUE(cut) << size;
  }
  bool cut = true;
  EXPECT_FALSE(isJson("[1,x]", &cut));
  EXPECT_FALSE(cut);
}

TEST(JsonCursor, IsBoundedInDepth) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(isJson(nested(JsonCursor::kMaxDepth)));
  EXPECT_FALSE(isJson(nested(JsonCursor::kMaxDepth + 1)));
}

TEST(JsonCursor, NotesWhatAParserWouldRefuse) {
  const auto look = [](std::string_view text) {
    JsonCursor cursor(text);
    std::string_view value;
    EXPECT_TRUE(cursor.value(value)) << text;
    return std::vector<bool>{cursor.hasHighBytes(), cursor.hasHalfPair(), cursor.hasControl()};
  };
  using Flags = std::vector<bool>;
  EXPECT_EQ(look(R"("plain")"), (Flags{false, false, false}));
  EXPECT_EQ(look("\"\xC3\""), (Flags{true, false, false}));
  EXPECT_EQ(look(R"("\ud83c\udf89")"), (Flags{false, false, false}));
  EXPECT_EQ(look(R"("\ud83c")"), (Flags{false, true, false}));
  EXPECT_EQ(look(R"("\udf89\ud83c")"), (Flags{false, true, false}));
  EXPECT_EQ(look(R"("\ud83c\ud83c\udf89")"), (Flags{false, true, false}));
  EXPECT_EQ(look("[\"a\tb\"]"), (Flags{false, false, true}));
}

TEST(JsonCursor, GivesMembersAsTheyAreWritten) {
  JsonCursor cursor(R"( {"a" : [1, 2] , "b":"x"} )");
  std::vector<std::string> seen;
  EXPECT_TRUE(cursor.object([&](std::string_view key, JsonCursor& here) {
    std::string_view value;
    if (!here.value(value)) return false;
    seen.emplace_back(std::string(key) + std::string(value));
    return true;
  }));
  EXPECT_EQ(seen, (std::vector<std::string>{R"("a"[1, 2])", R"("b""x")"}));
}

}  // namespace
}  // namespace agw
