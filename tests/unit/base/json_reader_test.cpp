#include "base/json_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace agw {
namespace {

using namespace std::string_literals;

Error refused(std::string_view text, const std::vector<std::string_view>& unique_keys = {}) {
  auto result = parseJson(text, unique_keys);
  EXPECT_FALSE(result.has_value()) << text.substr(0, 80);
  return result ? Error{} : result.error();
}

Json accepted(std::string_view text, const std::vector<std::string_view>& unique_keys = {}) {
  auto result = parseJson(text, unique_keys);
  EXPECT_TRUE(result.has_value()) << text.substr(0, 80) << ": "
                                  << (result ? "" : result.error().message);
  return result ? *result : Json();
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(ParseJson, KeepsMembersInWrittenOrder) {
  const Json value = accepted(R"({"z":1,"a":[true,null,-2,1.5,"x"],"m":{}})");
  EXPECT_EQ(dumpJson(value), R"({"z":1,"a":[true,null,-2,1.5,"x"],"m":{}})");
}

TEST(ParseJson, TakesScalarsAtTheTop) {
  EXPECT_EQ(accepted("18446744073709551615").get<std::uint64_t>(), 18446744073709551615ULL);
  EXPECT_EQ(accepted(" \"\\u0000\" ").get<std::string>(), "\0"s);
  EXPECT_TRUE(accepted("null").is_null());
}

TEST(ParseJson, BoundsTheDepthCountingTheTopLevelAsOne) {
  EXPECT_TRUE(accepted(nested(64)).is_array());
  EXPECT_EQ(refused(nested(65)).code, ErrorCode::JsonTooDeep);
  EXPECT_EQ(refused(nested(200000)).code, ErrorCode::JsonTooDeep);
  EXPECT_EQ(refused(std::string(200000, '[')).code, ErrorCode::JsonTooDeep);
  std::string objects;
  for (int i = 0; i < 65; ++i) objects += R"({"a":)";
  EXPECT_EQ(refused(objects).code, ErrorCode::JsonTooDeep);
}

TEST(ParseJson, RefusesWhatParsersDisagreeOn) {
  for (const std::string& text : {
           ""s,
           " "s,
           "\xEF\xBB\xBF{}"s,
           "{}{}"s,
           "{} x"s,
           "{}\0"s,
           "{}\0{\"model\":\"other\"}"s,
           "{\"a\":1,}"s,
           "[1,]"s,
           "{'a':1}"s,
           "{\"a\" 1}"s,
           "{a:1}"s,
           "// c\n{}"s,
           "/* c */{}"s,
           "NaN"s,
           "Infinity"s,
           "01"s,
           "+1"s,
           "1."s,
           ".5"s,
           "1e400"s,
           "-1e400"s,
           "{\"a\":1E400}"s,
           "\"\\ud800\""s,
           "\"\\udc00\\ud800\""s,
           "\"\\ud800\\u0041\""s,
           "\"\\x41\""s,
           "\"\\u12\""s,
           "\"a\nb\""s,
           "\"a\0b\""s,
           "\"\xff\""s,
           "\"\xc0\xaf\""s,
           "\"\xed\xa0\x80\""s,
           "\"\xf4\x90\x80\x80\""s,
           "\"open"s,
           "{\"a\":"s,
           "tru"s,
           "\xfe\xff\0{"s,
       }) {
    const Error error = refused(text);
    EXPECT_EQ(error.source, ErrorSource::Client);
    EXPECT_EQ(error.httpStatus(), 400) << text;
    EXPECT_FALSE(error.message.empty());
  }
}

TEST(ParseJson, SaysWhereTheFaultIsWithoutRepeatingTheText) {
  const Error error = refused(R"({"key": "s3cret", "other": s3cret2})");
  EXPECT_EQ(error.code, ErrorCode::InvalidJson);
  EXPECT_NE(error.message.find("near byte 28"), std::string::npos) << error.message;
  EXPECT_EQ(error.message.find("s3cret"), std::string::npos);
  EXPECT_EQ(refused(R"({"n": 1e999})").message.find("1e999"), std::string::npos);
}

TEST(ParseJson, RefusesAWatchedKeyTwiceHoweverItIsSpelled) {
  const std::vector<std::string_view> watched = {"model", "stream"};
  Error error = refused(R"({"model":"a","x":1,"model":"b"})", watched);
  EXPECT_EQ(error.code, ErrorCode::DuplicateKey);
  EXPECT_EQ(error.param, "model");
  error = refused(R"({"stream":true,"\u0073tream":false})", watched);
  EXPECT_EQ(error.code, ErrorCode::DuplicateKey);
  EXPECT_EQ(error.param, "stream");
  EXPECT_EQ(error.httpStatus(), 400);
}

TEST(ParseJson, WatchesTheTopLevelOnly) {
  const std::vector<std::string_view> watched = {"model"};
  EXPECT_EQ(dumpJson(accepted(R"({"model":"a","b":{"model":1,"model":2}})", watched)),
            R"({"model":"a","b":{"model":2}})");
  EXPECT_EQ(dumpJson(accepted(R"([{"model":1},{"model":2}])", watched)),
            R"([{"model":1},{"model":2}])");
}

TEST(ParseJson, LetsTheLastOfOtherDuplicatesWin) {
  EXPECT_EQ(dumpJson(accepted(R"({"a":1,"b":2,"a":3})")), R"({"a":3,"b":2})");
  std::string many = "{";
  for (int i = 0; i < 40; ++i) many += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  many += R"("k3":"new"})";
  const Json value = accepted(many);
  EXPECT_EQ(value.size(), 40U);
  EXPECT_EQ(value.at("k3"), "new");
  EXPECT_EQ(value.at("k39"), 39);
}

TEST(ParseJson, TakesTimeInProportionToTheSizeOfAnObject) {
  std::string text = "{";
  for (int i = 0; i < 200000; ++i) text += "\"key" + std::to_string(i) + "\":0,";
  text.back() = '}';
  // Seconds when building is linear; hours when every insertion searches the earlier keys.
  EXPECT_EQ(accepted(text).size(), 200000U);
}

TEST(DumpJson, ReplacesInvalidUtf8InsteadOfThrowing) {
  EXPECT_EQ(dumpJson(Json("a\xff")), "\"a\xEF\xBF\xBD\"");
}

TEST(SplitObject, KeepsValuesByteExact) {
  const std::string text =
      " {\"a\" : 1.10 ,\"b\":{ \"x\" : [1, 2 ,\"}\\\"]\"] } , \"\\u0063\\n\":\"\\/\\u00e9\\\\\","
      "\"d\":-0,\"e\":12345678901234567890123,\"f\": true}\n";
  ASSERT_TRUE(parseJson(text).has_value());
  const auto members = splitObject(text);
  ASSERT_EQ(members.size(), 6U);
  EXPECT_EQ(members[0].key, "a");
  EXPECT_EQ(members[0].value, "1.10");
  EXPECT_EQ(members[1].value, R"({ "x" : [1, 2 ,"}\"]"] })");
  EXPECT_EQ(members[2].key, "c\n");
  EXPECT_EQ(members[2].name, R"("\u0063\n")");
  EXPECT_EQ(members[2].value, R"("\/\u00e9\\")");
  EXPECT_EQ(members[3].value, "-0");
  EXPECT_EQ(members[4].value, "12345678901234567890123");
  EXPECT_EQ(members[5].value, "true");
  EXPECT_GE(members[5].value.data(), text.data());
  EXPECT_LE(members[5].value.data() + 4, text.data() + text.size());
}

TEST(SplitObject, GivesEveryDuplicate) {
  const auto members = splitObject(R"({"a":1,"a":2})");
  ASSERT_EQ(members.size(), 2U);
  EXPECT_EQ(members[1].value, "2");
}

TEST(SplitObject, IsEmptyForAnEmptyObjectAndForOtherValues) {
  EXPECT_TRUE(splitObject("{}").empty());
  EXPECT_TRUE(splitObject(" { } ").empty());
  EXPECT_TRUE(splitObject("[1]").empty());
  EXPECT_TRUE(splitObject("").empty());
}

TEST(SplitArray, KeepsElementsByteExact) {
  const auto elements = splitArray("[ 1e5 ,\"a,]\\\\\", [ ] ,{\"k\":[\"]\"]},null ]");
  ASSERT_EQ(elements.size(), 5U);
  EXPECT_EQ(elements[0], "1e5");
  EXPECT_EQ(elements[1], R"("a,]\\")");
  EXPECT_EQ(elements[2], "[ ]");
  EXPECT_EQ(elements[3], R"({"k":["]"]})");
  EXPECT_EQ(elements[4], "null");
  EXPECT_TRUE(splitArray("[ ]").empty());
  EXPECT_TRUE(splitArray("{}").empty());
}

TEST(SplitObject, StaysInsideTextThatWasCutAnywhere) {
  const std::string whole = R"({"a":[1,{"b":"\\\""}],"c\u0041":"x","d":12})";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);  // its own allocation: ASan sees an overrun
    for (const RawMember& member : splitObject(cut)) {
      EXPECT_LE(member.value.size(), cut.size());
    }
    splitArray(cut);
  }
  EXPECT_LE(splitArray("[,,").size(), 3U);
}

TEST(AppendJsonString, EscapesWhatJsonMustAndReplacesBadUtf8) {
  std::string out = "x";
  appendJsonString(out, "a\"b\\c\n\r\t\b\f\x01\x1f\0\x7f/\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"s);
  EXPECT_EQ(out,
            "x\"a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0001\\u001f\\u0000\x7f/\xC3\xA9\xE2\x82\xAC"
            "\xF0\x9F\x98\x80\"");
  for (const std::string& bad :
       {"\xff"s, "\xc3"s, "\xe2\x82"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s, "\xc0\xaf"s,
        "\xe0\x80\x80"s, "\xf0\x80\x80\x80"s, "a\x80z"s}) {
    out.clear();
    appendJsonString(out, bad);
    EXPECT_TRUE(parseJson(out).has_value()) << out;
    EXPECT_NE(out.find("\xEF\xBF\xBD"), std::string::npos);
  }
}

}  // namespace
}  // namespace agw
