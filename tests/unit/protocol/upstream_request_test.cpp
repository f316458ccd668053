#include "protocol/upstream_request.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/json_reader.h"

namespace agw::protocol {
namespace {

// Odd white space, escapes and numbers, which must all stay.
constexpr auto kBody =
    R"({ "model":"m" ,"messages" : [ {"role":"user","content":"h\u00e9 \"x\""} ],)"
    R"("temperature":1.0e0 , "seed":12345678901234567890,"stream":true})";

RequestChanges drop(std::vector<std::string_view> fields) {
  RequestChanges changes;
  changes.drop_fields = std::move(fields);
  return changes;
}

TEST(ChangeRequest, LeavesABodyAloneThatNeedsNoChange) {
  EXPECT_TRUE(RequestChanges{}.empty());
  EXPECT_EQ(changeRequest(kBody, {}), kBody);
}

TEST(ChangeRequest, KeepsEveryByteOfWhatItDoesNotChange) {
  RequestChanges all;
  all.system_for_developer = true;
  all.drop_stream_options = true;
  all.drop_parallel_tool_calls = true;
  all.max_tokens_for_completion_tokens = true;
  all.drop_fields = {"user", "messages.refusal", "tools.function.strict"};
  EXPECT_FALSE(all.empty());
  EXPECT_EQ(changeRequest(kBody, all), kBody);
}

TEST(ChangeRequest, ReplacesTheModel) {
  RequestChanges changes;
  changes.model = "vendor/\"x\"";
  EXPECT_EQ(changeRequest(R"({"a":1, "model" : "old" ,"b":[ ]})", changes),
            R"({"a":1, "model" : "vendor/\"x\"" ,"b":[ ]})");
}

TEST(ChangeRequest, TurnsTheDeveloperIntoTheSystem) {
  RequestChanges changes;
  changes.system_for_developer = true;
  EXPECT_EQ(
      changeRequest(
          R"({"messages":[{"role":"system","content":"developer"}, {"content":"a", "role" : "developer"},)"
          R"({"role":"\u0064eveloper","content":"b"},{"role":"user","content":"\\"}]})",
          changes),
      R"({"messages":[{"role":"system","content":"developer"}, {"content":"a", "role" : "system"},)"
      R"({"role":"system","content":"b"},{"role":"user","content":"\\"}]})");
}

TEST(ChangeRequest, LeavesFieldsOutWhereverTheyStand) {
  RequestChanges changes;
  changes.drop_stream_options = true;
  changes.drop_parallel_tool_calls = true;
  EXPECT_EQ(changeRequest(R"({"stream_options":{"include_usage":true},"model":"m"})", changes),
            R"({"model":"m"})");
  EXPECT_EQ(changeRequest(R"({"model":"m","stream_options":{"a":[1,2]}})", changes),
            R"({"model":"m"})");
  EXPECT_EQ(
      changeRequest(R"({"a":1,"stream_options":{},"parallel_tool_calls":true,"b":2})", changes),
      R"({"a":1,"b":2})");
  EXPECT_EQ(changeRequest(R"({"parallel_tool_calls":false})", changes), "{}");
}

TEST(ChangeRequest, SendsTheLimitOfTokensByItsOldName) {
  RequestChanges changes;
  changes.max_tokens_for_completion_tokens = true;
  EXPECT_EQ(changeRequest(R"({"a":1,"max_completion_tokens": 7,"b":2})", changes),
            R"({"a":1,"max_tokens":7,"b":2})");
}

TEST(ChangeRequest, SendsOneLimitOfTokensAlone) {
  RequestChanges changes;
  changes.max_tokens_for_completion_tokens = true;
  EXPECT_EQ(changeRequest(R"({"max_tokens":5,"max_completion_tokens":7})", changes),
            R"({"max_tokens":7})");
  EXPECT_EQ(changeRequest(R"({"max_completion_tokens":7,"max_tokens":5})", changes),
            R"({"max_tokens":7})");
  EXPECT_EQ(changeRequest(R"({"max_tokens":5,"max_completion_tokens":null})", changes),
            R"({"max_tokens":5})");
  EXPECT_EQ(changeRequest(R"({"max_tokens":5})", changes), R"({"max_tokens":5})");
}

TEST(ChangeRequest, DropsFieldsAtAnyDepth) {
  EXPECT_EQ(changeRequest(R"({"user":"u","model":"m"})", drop({"user"})), R"({"model":"m"})");
  EXPECT_EQ(
      changeRequest(R"({"messages":[{"role":"assistant","refusal":null,"content":"a"},)"
                    R"({"role":"user","content":"refusal"}],"refusal":1})",
                    drop({"messages.refusal"})),
      R"({"messages":[{"role":"assistant","content":"a"},{"role":"user","content":"refusal"}],"refusal":1})");
  EXPECT_EQ(changeRequest(R"({"tools":[{"function":{"name":"f","strict":true}},{"type":"x"},7]})",
                          drop({"tools.function.strict"})),
            R"({"tools":[{"function":{"name":"f"}},{"type":"x"},7]})");
  EXPECT_EQ(changeRequest(R"({"a":{"b":1},"c":2})", drop({"a.b", "c"})), R"({"a":{}})");
  EXPECT_EQ(changeRequest(R"({"a":"b"})", drop({"a.b", "x.y"})), R"({"a":"b"})");
}

TEST(ChangeRequest, MakesSeveralChangesAtOnce) {
  RequestChanges changes = drop({"user"});
  changes.model = "n";
  changes.drop_stream_options = true;
  changes.max_tokens_for_completion_tokens = true;
  const std::string out = changeRequest(
      R"({"user":"u","model":"m","stream":true,"max_completion_tokens":3,"stream_options":{"include_usage":true}})",
      changes);
  EXPECT_EQ(out, R"({"model":"n","stream":true,"max_tokens":3})");
  EXPECT_TRUE(parseJson(out));
}

// Documents of a few keys and every kind of value, the same ones in every run.
class Documents {
 public:
  Json object(unsigned depth) {
    Json out = Json::object();
    for (const char* key : {"a", "b", "role", "c"}) {
      if (draw(3) != 0) out[key] = value(depth);
    }
    return out;
  }

 private:
  Json value(unsigned depth) {
    switch (draw(depth == 0 ? 4 : 6)) {
      case 0:
        return "developer";
      case 1:
        return "\"{[,]}\\";
      case 2:
        return 1.5;
      case 3:
        return nullptr;
      case 4:
        return object(depth - 1);
      default:
        Json list = Json::array();
        for (unsigned i = draw(4); i > 0; --i) list.push_back(value(depth - 1));
        return list;
    }
  }
  unsigned draw(unsigned below) { return static_cast<unsigned>(random_() % below); }

  std::minstd_rand random_{11};
};

void dropFrom(Json& value, const std::string& first, const std::string& second) {
  if (value.is_array()) {
    for (Json& element : value) dropFrom(element, first, second);
  } else if (value.is_object() && second.empty()) {
    value.erase(first);
  } else if (value.is_object() && value.contains(first)) {
    dropFrom(value[first], second, "");
  }
}

TEST(ChangeRequest, DropsWhatAParserWouldDrop) {
  Documents documents;
  for (int i = 0; i < 500; ++i) {
    Json document = documents.object(4);
    const std::string text = document.dump(i % 5 - 1);
    const std::string out = changeRequest(text, drop({"a.b", "c", "b.a"}));
    dropFrom(document, "a", "b");
    dropFrom(document, "c", "");
    dropFrom(document, "b", "a");
    const Result<Json> parsed = parseJson(out);
    ASSERT_TRUE(parsed) << text << "\n" << out;
    ASSERT_EQ(*parsed, document) << text << "\n" << out;
  }
}

}  // namespace
}  // namespace agw::protocol
