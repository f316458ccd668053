#include "shared/body_scanner.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "shared/scan_support.h"

namespace agw {
namespace {

using enum ScanStatus;
using namespace std::string_literals;

struct Case {
  std::string body;
  ScanStatus status;
};

std::string nested(unsigned depth) {
  // The object itself is level 1, so depth - 1 arrays go into it.
  return R"({"model":"m","x":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
}

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases = {
      // What a client sends.
      {R"({"model":"m"})", Done},
      {" \t\r\n{ \"model\" : \"m\" , \"a\" : [ ] , \"b\" : { } } \n", Done},
      {R"({"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true})", Done},
      {R"({"mod\u0065l":"\u006d"})", Done},
      {R"({"model":"m","stream":null,"user":null,"max_tokens":null})", Done},
      {R"({"model":"m","stream":false,"user":"u","max_tokens":0})", Done},
      {R"({"model":"m","x":[1,-1,0,-0,1.5,1e3,1E+3,1e-3,-0.0e0,12345678901234567890]})", Done},
      {R"({"model":"m","x":["\"\\\/\b\f\n\r\t\u0000\uFFFF","\ud83d\ude00"]})", Done},
      {R"({"model":"m","x":[true,false,null,[],{},""]})", Done},
      {"{\"model\":\"m\",\"x\":\"\x7F \xC3\xA4 \xE4\xB8\xAD \xF0\x9F\x98\x80\"}", Done},
      {R"({"model":"m","x":{"model":1,"stream":"yes","max_tokens":"a","user":1,"model":2}})", Done},
      {R"({"model":"m","x":[{"model":7}]})", Done},
      {R"({"model":"m","x":1,"x":2})", Done},
      {R"({"Model":1,"model\u0000":2,"model":"m","models":3,"mode":4,"":5})", Done},
      {nested(64), Done},

      // Nothing, or no object.
      {"", Empty},
      {" ", InvalidJson},
      {"\n\t", InvalidJson},
      {"\xEF\xBB\xBF{\"model\":\"m\"}", Bom},
      {"\xFF\xFE{\0\"\0"s, Bom},
      {"\xFE\xFF\0{"s, Bom},
      {"\xEF\xBB", InvalidJson},
      {"\xEF\xBC\x80", InvalidJson},
      {"{\0\"\0m\0"s, InvalidJson},
      {"[]", NotAnObject},
      {"[{\"model\":\"m\"}]", NotAnObject},
      {"\"model\"", NotAnObject},
      {"1", NotAnObject},
      {"-1", NotAnObject},
      {"true", NotAnObject},
      {"null", NotAnObject},
      {"model=m", InvalidJson},
      {"}", InvalidJson},
      {"\0{\"model\":\"m\"}"s, InvalidJson},

      // Grammar.
      {"{", InvalidJson},
      {R"({"model")", InvalidJson},
      {R"({"model":)", InvalidJson},
      {R"({"model":"m)", InvalidJson},
      {R"({"model":"m")", InvalidJson},
      {R"({"model":"m",)", InvalidJson},
      {R"({"model":"m",})", InvalidJson},
      {R"({,"model":"m"})", InvalidJson},
      {R"({"model":"m",,"a":1})", InvalidJson},
      {R"({"model":"m" "a":1})", InvalidJson},
      {R"({"model" "m"})", InvalidJson},
      {R"({"model"::"m"})", InvalidJson},
      {R"({"model":"m"]})", InvalidJson},
      {R"({model:"m"})", InvalidJson},
      {R"({'model':'m'})", InvalidJson},
      {R"({"model":'m'})", InvalidJson},
      {R"({"model":m})", InvalidJson},
      {R"({1:"m"})", InvalidJson},
      {R"({"model":"m"}})", InvalidJson},
      {R"({"model":"m"}{"model":"n"})", InvalidJson},
      {R"({"model":"m"} x)", InvalidJson},
      {"{\"model\":\"m\"}\0"s, InvalidJson},
      {R"({"model":"m"} // comment)", InvalidJson},
      {R"({/**/"model":"m"})", InvalidJson},
      {R"({"model":"m","x":[1,]})", InvalidJson},
      {R"({"model":"m","x":[,1]})", InvalidJson},
      {R"({"model":"m","x":[1 2]})", InvalidJson},
      {R"({"model":"m","x":[1})", InvalidJson},
      {R"({"model":"m","x":{"a"}})", InvalidJson},
      {R"({"model":"m","x":{"a":1]})", InvalidJson},
      {R"({"model":"m","x":tru})", InvalidJson},
      {R"({"model":"m","x":True})", InvalidJson},
      {R"({"model":"m","x":nul})", InvalidJson},
      {R"({"model":"m","x":nulll})", InvalidJson},
      {R"({"model":"m","x":falsE})", InvalidJson},
      {R"({"model":"m","x":NaN})", InvalidJson},
      {R"({"model":"m","x":Infinity})", InvalidJson},
      {R"({"model":"m","x":undefined})", InvalidJson},
      {"{\"model\":\"m\",\"x\":\v1}", InvalidJson},
      {"{\"model\":\"m\",\"x\":\xC2\xA0 1}", InvalidJson},

      // Numbers.
      {R"({"model":"m","x":01})", InvalidJson},
      {R"({"model":"m","x":-01})", InvalidJson},
      {R"({"model":"m","x":00})", InvalidJson},
      {R"({"model":"m","x":1.})", InvalidJson},
      {R"({"model":"m","x":.5})", InvalidJson},
      {R"({"model":"m","x":-})", InvalidJson},
      {R"({"model":"m","x":-a})", InvalidJson},
      {R"({"model":"m","x":+1})", InvalidJson},
      {R"({"model":"m","x":1e})", InvalidJson},
      {R"({"model":"m","x":1e+})", InvalidJson},
      {R"({"model":"m","x":1e1.5})", InvalidJson},
      {R"({"model":"m","x":1.2.3})", InvalidJson},
      {R"({"model":"m","x":1.e3})", InvalidJson},
      {R"({"model":"m","x":0x10})", InvalidJson},
      {R"({"model":"m","x":1_000})", InvalidJson},
      {R"({"model":"m","x":--1})", InvalidJson},

      // Strings.
      {"{\"model\":\"m\",\"x\":\"a\nb\"}", InvalidJson},
      {"{\"model\":\"m\",\"x\":\"a\tb\"}", InvalidJson},
      {"{\"model\":\"m\",\"x\":\"\0\"}"s, InvalidJson},
      {"{\"model\":\"m\",\"x\":\"\x1F\"}", InvalidJson},
      {"{\"mo\ndel\":\"m\"}", InvalidJson},
      {R"({"model":"m","x":"\a"})", InvalidJson},
      {R"({"model":"m","x":"\x41"})", InvalidJson},
      {R"({"model":"m","x":"\'"})", InvalidJson},
      {R"({"model":"m","x":"\U0041"})", InvalidJson},
      {R"({"model":"m","x":"\u12"})", InvalidJson},
      {R"({"model":"m","x":"\u123g"})", InvalidJson},
      {R"({"model":"m","x":"\u 123"})", InvalidJson},
      {R"({"model":"m","x":"\u-123"})", InvalidJson},
      {R"({"model":"m","x":"\ud800"})", InvalidJson},
      {R"({"model":"m","x":"\udc00"})", InvalidJson},
      {R"({"model":"m","x":"\ude00\ud83d"})", InvalidJson},
      {R"({"model":"m","x":"\ude00\ude00"})", InvalidJson},
      {R"({"model":"m","x":"\ud83d\ud83d"})", InvalidJson},
      {R"({"model":"m","x":"\ud83d\ue000"})", InvalidJson},
      {R"({"model":"m","x":"\ud83dx"})", InvalidJson},
      {R"({"model":"m","x":"\ud83d\n"})", InvalidJson},
      {R"({"model":"m","x":"\ud83d\u0041"})", InvalidJson},
      {R"({"model":"m","x":"\ud83d\ud83d\ude00"})", InvalidJson},
      {R"({"\ud800":"m","model":"m"})", InvalidJson},
      {"{\"model\":\"m\",\"x\":\"\x80\"}", InvalidJson},
      {"{\"model\":\"m\",\"x\":\"\xC3\"}", InvalidJson},
      {"{\"model\":\"m\",\"x\":\"\xC3(\"}", InvalidJson},
      {"{\"model\":\"m\",\"x\":\"\xC0\x80\"}", InvalidJson},
      {"{\"model\":\"m\",\"x\":\"\xC1\xBF\"}", InvalidJson},
      {"{\"model\":\"m\",\"x\":\"\xE0\x80\xAF\"}", InvalidJson},
      {"{\"model\":\"m\",\"x\":\"\xED\xA0\x80\"}", InvalidJson},
      {"{\"model\":\"m\",\"x\":\"\xE4\xB8\"}", InvalidJson},
      {"{\"model\":\"m\",\"x\":\"\xF0\x80\x80\xAF\"}", InvalidJson},
      {"{\"model\":\"m\",\"x\":\"\xF4\x90\x80\x80\"}", InvalidJson},
      {"{\"model\":\"m\",\"x\":\"\xF5\x80\x80\x80\"}", InvalidJson},
      {"{\"model\":\"m\",\"x\":\"\xFF\"}", InvalidJson},
      {"{\"model\":\"m\xC3(\"}", InvalidJson},

      // Depth.
      {nested(65), TooDeep},
      {R"({"model":"m","x":)" + std::string(200000, '['), TooDeep},

      // A watched key twice, in any spelling.
      {R"({"model":"a","model":"a"})", DuplicateKey},
      {R"({"model":"a","mod\u0065l":"secret"})", DuplicateKey},
      {R"({"\u006dodel":"a","x":{},"model":"secret"})", DuplicateKey},
      {R"({"model":"a","stream":true,"stream":true})", DuplicateKey},
      {R"({"model":"a","user":"u","us\u0065r":"v"})", DuplicateKey},
      {R"({"model":"a","max_tokens":1,"max_tokens":1})", DuplicateKey},
      {R"({"model":"a","max_completion_tokens":1,"max_completion_tokens":2})", DuplicateKey},
      {R"({"model":"a","max_output_tokens":1,"max_output_tokens":2})", DuplicateKey},

      // The model.
      {"{}", ModelMissing},
      {R"({"messages":[]})", ModelMissing},
      {R"({"Model":"m"})", ModelMissing},
      {R"({"MODEL":"m","model ":"m"," model":"m"})", ModelMissing},
      {R"({"model\u0000":"m"})", ModelMissing},
      {R"({"x":{"model":"m"}})", ModelMissing},
      {R"({"model":1})", ModelNotString},
      {R"({"model":-1})", ModelNotString},
      {R"({"model":null})", ModelNotString},
      {R"({"model":true})", ModelNotString},
      {R"({"model":{"id":"m"}})", ModelNotString},
      {R"({"model":["m"]})", ModelNotString},
      {R"({"model":""})", ModelInvalid},
      {R"({"model":"a b"})", ModelInvalid},
      {R"({"model":"a\nb"})", ModelInvalid},
      {R"({"model":"a\u0000"})", ModelInvalid},
      {R"({"model":"*"})", ModelInvalid},
      {R"({"model":"a,b"})", ModelInvalid},
      {R"({"model":"/a"})", ModelInvalid},
      {R"({"model":"a/"})", ModelInvalid},
      {"{\"model\":\"\xC3\xA4\"}", ModelInvalid},
      {R"({"model":"\u00e4"})", ModelInvalid},
      {R"({"model":")" + std::string(256, 'm') + "\"}", Done},
      {R"({"model":")" + std::string(257, 'm') + "\"}", ModelInvalid},
      {R"({"model":")" + std::string(5000, 'm') + "\"}", ModelInvalid},
      {R"({")" + std::string(300, 'k') + R"(":"x","model":"m"})", Done},

      // The other members.
      {R"({"model":"m","stream":"yes"})", StreamNotBool},
      {R"({"model":"m","stream":"true"})", StreamNotBool},
      {R"({"model":"m","stream":1})", StreamNotBool},
      {R"({"model":"m","stream":[]})", StreamNotBool},
      {R"({"stream":{},"model":"m"})", StreamNotBool},
      {R"({"model":"m","max_tokens":1e3})", MaxTokensNotInteger},
      {R"({"model":"m","max_tokens":1E3})", MaxTokensNotInteger},
      {R"({"model":"m","max_tokens":1.0})", MaxTokensNotInteger},
      {R"({"model":"m","max_tokens":0.5})", MaxTokensNotInteger},
      {R"({"model":"m","max_tokens":-1})", MaxTokensNotInteger},
      {R"({"model":"m","max_tokens":"1"})", MaxTokensNotInteger},
      {R"({"model":"m","max_tokens":true})", MaxTokensNotInteger},
      {R"({"model":"m","max_tokens":[]})", MaxTokensNotInteger},
      {R"({"model":"m","max_tokens":01})", InvalidJson},
      {R"({"model":"m","max_completion_tokens":1.5})", MaxTokensNotInteger},
      {R"({"model":"m","max_output_tokens":{}})", MaxTokensNotInteger},
      {R"({"model":"m","user":1})", UserNotString},
      {R"({"model":"m","user":false})", UserNotString},
      {R"({"model":"m","user":{}})", UserNotString},
      {R"({"model":"m","user":["u"]})", UserNotString},
  };
  return kCases;
}

TEST(BodyScanner, JudgesEveryCaseAsTheTableSays) {
  for (const Case& test : cases()) {
    EXPECT_EQ(scan(test.body).status, test.status) << test.body.substr(0, 200);
  }
}

TEST(BodyScanner, GivesTheSameAnswerAtEveryCut) {
  for (const Case& test : cases()) {
    if (test.body.size() > 1000) continue;
    const ScanOutcome whole = scan(test.body);
    EXPECT_EQ(scanByteByByte(test.body), whole) << test.body;
    for (std::size_t cut = 0; cut <= test.body.size(); ++cut) {
      EXPECT_EQ(scanCut(test.body, cut), whole) << test.body << " cut at " << cut;
    }
  }
}

TEST(BodyScanner, EveryRefusalHasAMessageAndACode) {
  for (const Case& test : cases()) {
    BodyScanner scanner;
    scanner.feed(test.body.data(), test.body.size());
    if (scanner.finish() == Done) continue;
    EXPECT_GE(scanner.error().message.size(), 20U);
    EXPECT_EQ(errorEntry(scanner.error().code).status, 400);
    EXPECT_EQ(scanner.error().code, scanError(test.status).code) << test.body.substr(0, 200);
  }
}

TEST(BodyScanner, ReadsTheWatchedMembersAnywhereInTheObject) {
  const ScanOutcome outcome =
      scan(R"({"messages":[{"content":"x","model":"no"}],"user":"alice","stream":true,)"
           R"("max_tokens":256,"tools":[{"stream":false}],"model":"research/deep"})");
  ASSERT_EQ(outcome.status, Done);
  EXPECT_EQ(outcome.model, "research/deep");
  EXPECT_EQ(outcome.user, "alice");
  EXPECT_TRUE(outcome.stream);
  EXPECT_TRUE(outcome.has_max_tokens);
  EXPECT_EQ(outcome.max_tokens, 256U);
}

TEST(BodyScanner, AbsentMembersAreAbsent) {
  const ScanOutcome outcome = scan(R"({"model":"m"})");
  ASSERT_EQ(outcome.status, Done);
  EXPECT_FALSE(outcome.stream);
  EXPECT_FALSE(outcome.has_max_tokens);
  EXPECT_EQ(outcome.user, "");
}

TEST(BodyScanner, NullMeansAbsent) {
  const ScanOutcome outcome =
      scan(R"({"model":"m","stream":null,"max_tokens":null,"user":null,"max_output_tokens":7})");
  ASSERT_EQ(outcome.status, Done);
  EXPECT_FALSE(outcome.stream);
  EXPECT_TRUE(outcome.has_max_tokens);
  EXPECT_EQ(outcome.max_tokens, 7U);
  EXPECT_EQ(outcome.user, "");
}

TEST(BodyScanner, UnescapesKeysAndValues) {
  const ScanOutcome outcome = scan(
      R"({"m\u006Fd\u0065l":"\u0073ec\u0072et\/x","\u0075ser":"a\"\\\u00e4\ud83d\ude00\t","str\u0065am":true})");
  ASSERT_EQ(outcome.status, Done);
  EXPECT_EQ(outcome.model, "secret/x");
  EXPECT_EQ(outcome.user, "a\"\\\xC3\xA4\xF0\x9F\x98\x80\t");
  EXPECT_TRUE(outcome.stream);
}

TEST(BodyScanner, TakesTheLargestOfTheTokenLimits) {
  EXPECT_EQ(scan(R"({"model":"m","max_tokens":5,"max_completion_tokens":9,"max_output_tokens":7})")
                .max_tokens,
            9U);
}

TEST(BodyScanner, TokenLimitsSaturate) {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(scan(R"({"model":"m","max_tokens":18446744073709551615})").max_tokens, kMax);
  EXPECT_EQ(scan(R"({"model":"m","max_tokens":18446744073709551616})").max_tokens, kMax);
  EXPECT_EQ(scan(R"({"model":"m","max_tokens":99999999999999999999999999})").max_tokens, kMax);
  EXPECT_EQ(scan(R"({"model":"m","max_tokens":18446744073709551614})").max_tokens, kMax - 1);
}

TEST(BodyScanner, CutsTheUserAtACharacterBorder) {
  const auto user = [](const std::string& text) {
    return scan("{\"model\":\"m\",\"user\":\"" + text + "\"}").user;
  };
  EXPECT_EQ(user(std::string(128, 'u')), std::string(128, 'u'));
  EXPECT_EQ(user(std::string(500, 'u')), std::string(128, 'u'));
  EXPECT_EQ(user(std::string(127, 'u') + "\xC3\xA4z"), std::string(127, 'u'));
  EXPECT_EQ(user(std::string(126, 'u') + "\xC3\xA4z"), std::string(126, 'u') + "\xC3\xA4");
  EXPECT_EQ(user(std::string(127, 'u') + R"(\ud83d\ude00z)"), std::string(127, 'u'));
  EXPECT_EQ(user(std::string(127, 'u') + R"(\nz)"), std::string(127, 'u') + "\n");
}

TEST(BodyScanner, LongStringsAreReadAcrossEveryBlockBorder) {
  for (std::size_t size = 0; size < 70; ++size) {
    for (const std::string& special : {""s, "\\n"s, "\\\""s, "\xC3\xA4"s, "\xE4\xB8\xAD"s}) {
      const std::string content = std::string(size, 'x') + special + std::string(size % 7, 'y');
      const std::string body = "{\"x\":\"" + content + "\",\"model\":\"m\"}";
      EXPECT_EQ(scan(body).status, Done) << body;
    }
    const std::string broken = "{\"x\":\"" + std::string(size, 'x') + "\x01\",\"model\":\"m\"}";
    EXPECT_EQ(scan(broken).status, InvalidJson);
  }
}

TEST(BodyScanner, SaysWhatIsWrongAndNamesTheKey) {
  const auto error = [](const std::string& body) {
    BodyScanner scanner;
    scanner.feed(body.data(), body.size());
    scanner.finish();
    return scanner.error();
  };
  EXPECT_EQ(error(R"({"model":"a","model":"b"})").message,
            "The key \"model\" stands twice in the request body; send it once.");
  EXPECT_EQ(error(R"({"model":"a","model":"b"})").param, "model");
  EXPECT_EQ(error(R"({"model":"a","max_output_tokens":1,"max_output_tokens":1})").param,
            "max_output_tokens");
  EXPECT_EQ(error(R"({"model":"a","max_completion_tokens":1.5})").param, "max_completion_tokens");
  EXPECT_EQ(error(R"({"model":"a","stream":"yes"})").message,
            "\"stream\" must be true, false or null.");
  EXPECT_EQ(error(R"({"model":"a","stream":"yes"})").param, "stream");
  EXPECT_EQ(error(R"({"model":"a","user":1})").param, "user");
  EXPECT_EQ(error("{}").param, "model");
  EXPECT_EQ(error("{}").code, ErrorCode::MissingParameter);
  EXPECT_EQ(error(R"({"model":"a b"})").code, ErrorCode::InvalidValue);
  EXPECT_EQ(error(R"({"model":"m")").message,
            "The request body ends before its JSON object is complete.");
  EXPECT_EQ(error(R"({"model":"m"}x)").message,
            "The request body goes on after the end of its JSON object.");
  EXPECT_EQ(error("{\"x\":\"\xFF\"}").message, "A string in the request body is not valid UTF-8.");
  for (const auto* number : {"01", "1.", "1e", "-", "1e+", "-a"}) {
    EXPECT_TRUE(error("{\"x\":" + std::string(number) + "}").message.starts_with("A number "))
        << number;
  }
  for (const auto* half : {R"({"x":"\ud800"})", R"({"x":"\udc00"})", R"({"x":"\ud800\u0041"})"}) {
    EXPECT_NE(error(half).message.find("surrogate pair"), std::string_view::npos) << half;
  }
  EXPECT_NE(error("{\"x\":\"\n\"}").message.find("raw control character"), std::string_view::npos);
  EXPECT_NE(error(R"({"x":"\x41"})").message.find("escape that JSON does not have"),
            std::string_view::npos);
  EXPECT_EQ(error("").message, "The request has no body; send a JSON object.");
}

TEST(BodyScanner, AnErrorIsFinal) {
  BodyScanner scanner;
  EXPECT_EQ(scanner.feed("[", 1), NotAnObject);
  constexpr std::string_view kGood = R"({"model":"m"})";
  EXPECT_EQ(scanner.feed(kGood.data(), kGood.size()), NotAnObject);
  EXPECT_EQ(scanner.finish(), NotAnObject);
  EXPECT_EQ(scanner.bytesSeen(), 1 + kGood.size());
}

TEST(BodyScanner, RefusesBeforeTheBodyIsComplete) {
  BodyScanner scanner;
  constexpr std::string_view kStart = R"({"model":5)";
  EXPECT_EQ(scanner.feed(kStart.data(), kStart.size()), ModelNotString);
}

}  // namespace
}  // namespace agw
