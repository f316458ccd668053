// What the files of tests/wire/quirks do not show: bytes, bounds, and how errors and ends repeat.
#include "protocol/answer_shield.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace agw::protocol {
namespace {

const std::string kDone = "data: [DONE]\n\n";

std::string event(const std::string& json) { return "data: " + json + "\n\n"; }

std::string delta(const std::string& inner, const std::string& finish = "null") {
  return R"({"choices":[{"index":0,"delta":)" + inner + R"(,"finish_reason":)" + finish + "}]}";
}

struct Answer {
  std::vector<std::string> rests;
  std::string content;
  std::vector<Usage> usages;
  std::optional<Error> error;
};

Answer drain(AnswerShield& shield) {
  Answer out;
  for (;;) {
    const auto chunk = shield.next();
    if (!chunk) {
      out.error = chunk.error();
      return out;
    }
    if (!*chunk) return out;
    if (!(*chunk)->rest.empty()) out.rests.emplace_back((*chunk)->rest);
    for (const ChoiceDelta& choice : (*chunk)->choices) out.content += choice.content;
    if ((*chunk)->usage) out.usages.push_back(*(*chunk)->usage);
  }
}

Answer answer(const std::string& body, bool stream = true,
              const std::string& type = "text/event-stream") {
  AnswerShield shield({stream, type, ""});
  shield.feed(body);
  shield.end();
  return drain(shield);
}

TEST(AnswerShield, KeepsTheBytesOfWhatNeedsNoRepair) {
  const std::string first =
      R"("choices":[ {"index":0, "delta":{"role":"assistant","content":"\u00e9\/"},"x":1.50e+2,"finish_reason":null} ])";
  const std::string second =
      R"("choices":[{"index":0,"delta":{"content":" a\n"},"logprobs":{"content":[]},"finish_reason":null}])";
  const Answer out = answer(event(R"({"id":"u","created":1.5,"a":12345678901234567890,)" + first +
                                  R"(,"z": {"k" : 1E400},"usage":null})") +
                            event("{" + second + R"(,"service_tier":"x"})") +
                            event(delta("{}", R"("stop")")) + kDone);
  ASSERT_EQ(out.rests.size(), 3u);
  EXPECT_EQ(out.rests[0], R"(,"a":12345678901234567890,)" + first + R"(,"z":{"k" : 1E400}})");
  EXPECT_EQ(out.rests[1], "," + second + R"(,"service_tier":"x"})");
  EXPECT_FALSE(out.error);
}

TEST(AnswerShield, KeepsTheBytesOfAWholeAnswer) {
  const std::string choices =
      R"([{"index":0,"message":{"role":"assistant","content":"\u00e9","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}])";
  const std::string usage =
      R"({"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":1}})";
  const Answer out = answer(R"({"id":"u","object":"x","choices":)" + choices + R"(,"usage":)" +
                                usage + R"(,"system_fingerprint":"f"})",
                            false, "application/json");
  ASSERT_EQ(out.rests.size(), 1u);
  EXPECT_EQ(out.rests[0],
            R"(,"choices":)" + choices + R"(,"usage":)" + usage + R"(,"system_fingerprint":"f"})");
  EXPECT_EQ(out.content, "é");
  ASSERT_EQ(out.usages.size(), 1u);
  EXPECT_EQ(out.usages[0].total_tokens, 3);
}

// The shortcut for chunks that are alike must give what a look at each gives.
TEST(AnswerShield, ChunksThatAreAlikeAreStillChecked) {
  const std::string head = R"({"a":1,"choices":[{"index":0,"delta":{"content":)";
  const std::string tail = R"(},"finish_reason":null}],"b":2})";
  std::string body = event(delta(R"({"role":"assistant"})"));
  for (const char* text : {R"("one")", R"("t\"wo")", R"("\ud83c")", R"("\udf89")", R"("")",
                           R"("é")", R"("x"},"y":{"z":"x")", R"(null)", "\"\xFF\"", R"("end")"}) {
    body += event(head + text + tail);
  }
  const Answer out = answer(body + event(delta("{}", R"("stop")")) + kDone);
  ASSERT_FALSE(out.error) << out.error->message << out.error->detail;
  EXPECT_EQ(out.content, "onet\"wo🎉éx\uFFFDend");
  EXPECT_EQ(
      out.rests[1],
      R"(,"a":1,"choices":[{"index":0,"delta":{"content":"one"},"finish_reason":null}],"b":2})");
  EXPECT_EQ(
      out.rests[2],
      R"(,"a":1,"choices":[{"index":0,"delta":{"content":"t\"wo"},"finish_reason":null}],"b":2})");
  EXPECT_EQ(answer(body + event(head + R"("\x")" + tail)).error->code,
            ErrorCode::UpstreamInvalidResponse);
}

TEST(AnswerShield, ReasoningAndPaddingMayDifferInChunksThatAreAlike) {
  const auto chunk = [](const std::string& text, const std::string& padding) {
    return event(R"({"choices":[{"index":0,"delta":{"content":null,"reasoning":)" + text +
                 R"(},"finish_reason":null}],"x":)" + padding + "}");
  };
  AnswerShield shield({true, "text/event-stream", ""});
  shield.feed(event(delta(R"({"role":"assistant"})")) + chunk(R"("a")", R"("p")") +
              chunk(R"("b\n")", R"("qq")") + chunk(R"("c")", "7") + chunk(R"("d")", "\"\xFF\"") +
              event(delta("{}", R"("stop")")));
  shield.end();
  std::vector<std::string> reasoning;
  std::vector<std::string> rests;
  for (auto next = shield.next(); next && *next; next = shield.next()) {
    rests.emplace_back((*next)->rest);
    for (const RawMember& extra : (*next)->choices[0].extras) {
      EXPECT_EQ(extra.key, "reasoning");
      reasoning.emplace_back(extra.value);
    }
  }
  EXPECT_EQ(reasoning, (std::vector<std::string>{R"("a")", R"("b\n")", R"("c")", R"("d")"}));
  ASSERT_EQ(rests.size(), 6u);
  EXPECT_EQ(
      rests[2],
      R"(,"choices":[{"index":0,"delta":{"content":null,"reasoning":"b\n"},"finish_reason":null}],"x":"qq"})");
  EXPECT_TRUE(rests[3].ends_with(R"("x":7})"));
  EXPECT_TRUE(rests[4].ends_with("\"x\":\"\uFFFD\"}"));
}

TEST(AnswerShield, GivesTextBeforeTheErrorThatCameWithIt) {
  const Answer out = answer(event(delta(R"({"role":"assistant","content":"a"})", R"("stop")")) +
                            event(R"({"error":{"message":"boom","code":7}})"));
  EXPECT_EQ(out.content, "a");
  ASSERT_TRUE(out.error);
  EXPECT_EQ(out.error->code, ErrorCode::UpstreamError);
  EXPECT_EQ(out.error->detail, "boom");
  EXPECT_EQ(out.error->message.find("boom"), std::string::npos);
}

TEST(AnswerShield, GivesTheUsageThatIsKnownBeforeAnError) {
  const Answer out = answer(event(
      R"({"choices":[{"index":0,"delta":{"content":"a"}}],"usage":{"prompt_tokens":4,"completion_tokens":1}})"));
  EXPECT_EQ(out.error->code, ErrorCode::UpstreamStreamTruncated);
  ASSERT_EQ(out.usages.size(), 1u);
  EXPECT_EQ(out.usages[0].total_tokens, 5);
}

TEST(AnswerShield, EndsOnce) {
  AnswerShield good({true, "text/event-stream", ""});
  good.feed(event(delta(R"({"content":"a"})", R"("stop")")) + kDone);
  EXPECT_EQ(drain(good).rests.size(), 1u);
  EXPECT_TRUE(good.isOver());
  good.feed(event(delta(R"({"content":"late"})")));
  good.broken(upstreamError(ErrorCode::UpstreamTimeout, "late"));
  EXPECT_TRUE(drain(good).rests.empty());
  EXPECT_FALSE(drain(good).error);

  AnswerShield bad({true, "text/event-stream", ""});
  bad.feed(event("{"));
  EXPECT_EQ(drain(bad).error->code, ErrorCode::UpstreamInvalidResponse);
  bad.feed(event(delta(R"({"content":"late"})")));
  const Answer again = drain(bad);
  EXPECT_TRUE(again.rests.empty());
  EXPECT_EQ(again.error->code, ErrorCode::UpstreamInvalidResponse);
}

TEST(AnswerShield, AFinishReasonCountsThoughTheUpstreamWentOn) {
  const std::string body = event(delta(R"({"role":"assistant","content":"a"})", R"("length")")) +
                           event(delta(R"({"annotations":[]})"));
  const Answer out = answer(body);
  EXPECT_FALSE(out.error);
  ASSERT_EQ(out.rests.size(), 3u);
  EXPECT_EQ(out.rests[2], R"(,"choices":[{"index":0,"delta":{},"finish_reason":"length"}]})");
}

TEST(AnswerShield, TellsHowTheConnectionBroke) {
  AnswerShield shield({true, "text/event-stream", ""});
  shield.feed(event(delta(R"({"content":"a"})")));
  shield.broken(upstreamError(ErrorCode::UpstreamTimeout, "silence"));
  const Answer out = drain(shield);
  EXPECT_EQ(out.content, "a");
  EXPECT_EQ(out.error->code, ErrorCode::UpstreamTimeout);
}

TEST(AnswerShield, MayBeFedWhileSomethingIsLeftToGive) {
  AnswerShield shield({true, "text/event-stream", ""});
  shield.feed(event(delta(R"({"role":"assistant","content":"a"})", R"("stop")")) +
              event(delta(R"({"content":"b"})")));
  const auto first = shield.next();  // the one that waited; the other is still to come
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->choices[0].finish_reason, "");
  shield.feed(std::string(100000, ':') + "\n" + event(delta(R"({"content":"c"})")) + kDone);
  EXPECT_EQ(drain(shield).content, "bc");
}

TEST(AnswerShield, IsBounded) {
  const auto codeOf = [](const Answer& out) { return out.error ? out.error->code : ErrorCode{}; };
  constexpr auto kInvalid = ErrorCode::UpstreamInvalidResponse;
  EXPECT_EQ(codeOf(answer("data: " + std::string((1 << 20) + 1, 'x'))), kInvalid);
  std::string large;
  for (int i = 0; i < 5; ++i) large += "data: \"" + std::string(900000, 'x') + "\n";
  EXPECT_EQ(codeOf(answer(large)), kInvalid);
  EXPECT_EQ(codeOf(answer("{\"a\":\"" + std::string(AnswerBody::kMaxJson, 'x') + "\"}", false,
                          "application/json")),
            kInvalid);
  std::string many = R"({"choices":[)";
  for (int i = 0; i < 129; ++i) {
    many += (i > 0 ? "," : "") + (R"({"index":)" + std::to_string(i)) + R"(,"delta":{}})";
  }
  EXPECT_EQ(codeOf(answer(event(many + "]}"))), kInvalid);
  std::string calls = R"({"tool_calls":[)";
  for (int i = 0; i < 129; ++i) {
    calls += (i > 0 ? "," : "") + (R"({"index":)" + std::to_string(i)) +
             R"(,"function":{"name":"f","arguments":"{}"}})";
  }
  EXPECT_EQ(codeOf(answer(event(delta(calls + "]}")))), kInvalid);
  const std::string deep = std::string(65, '[') + std::string(65, ']');
  EXPECT_EQ(codeOf(answer(event(R"({"x":)" + deep + "}"))), kInvalid);
}

TEST(AnswerShield, BoundsWhatItPutsTogether) {
  AnswerShield shield({false, "text/event-stream", ""});
  const std::string chunk = event(delta(R"({"content":")" + std::string(1000000, 'x') + "\"}"));
  std::optional<Error> error;
  for (int i = 0; i < 40 && !error; ++i) {
    shield.feed(chunk);
    error = drain(shield).error;
  }
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ErrorCode::UpstreamInvalidResponse);
}

TEST(AnswerShield, RefusesWhatIsNoAnswer) {
  for (const char* body :
       {"", "   ", "null", "[]", "\"x\"", "42", "<html>", "Internal Server Error",
        "{\"choices\":[]}", "{}", "{\"choices\":null}"}) {
    for (const bool stream : {false, true}) {
      const Answer out = answer(body, stream, "application/json");
      ASSERT_TRUE(out.error) << body;
      EXPECT_EQ(out.error->code, ErrorCode::UpstreamInvalidResponse) << body;
      EXPECT_TRUE(out.rests.empty()) << body;
    }
  }
}

// Without `tools_only` the corpus has it as it came.
TEST(AnswerShield, MakesALegacyCallOneOfATool) {
  const CallForm tools_only{[] { return std::string("call_x"); }, true};
  AnswerShield stream({true, "text/event-stream", "", tools_only});
  stream.feed(
      event(delta(R"({"role":"assistant","function_call":{"name":"f","arguments":"{\"a\""}})")) +
      event(delta(R"({"function_call":{"arguments":":1}"}})")) +
      event(delta("{}", R"("function_call")")) + kDone);
  stream.end();
  const Answer chunks = drain(stream);
  EXPECT_FALSE(chunks.error);
  EXPECT_EQ(
      chunks.rests,
      (std::vector<std::string>{
          R"(,"choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"call_x","type":"function","function":{"name":"f","arguments":"{\"a\""}}]},"finish_reason":null}]})",
          R"(,"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]},"finish_reason":null}]})",
          R"(,"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]})"}));

  AnswerShield whole({false, "application/json", "", tools_only});
  whole.feed(
      R"({"choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":null,"function_call":{"name":"f","arguments":"{}"}},"logprobs":null,"finish_reason":"function_call"}]})");
  whole.end();
  const Answer message = drain(whole);
  EXPECT_FALSE(message.error);
  EXPECT_EQ(
      message.rests,
      (std::vector<std::string>{
          R"(,"choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":null,"tool_calls":[{"id":"call_x","type":"function","function":{"name":"f","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"}]})"}));
}

}  // namespace
}  // namespace agw::protocol
