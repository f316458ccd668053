#include "upstream/openai_backend.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "canned_client.h"
#include "support/coroutine.h"

namespace agw::upstream {
namespace {

constexpr auto kText = R"(data: {"choices":[{"index":0,"delta":{"content":"hi"}}]})"
                       "\n\n";
constexpr auto kFinish = R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"
                         "\n\n";

Error truncated() { return upstreamError(ErrorCode::UpstreamStreamTruncated, "cut"); }

class OpenAiBackendTest : public testing::Test {
 protected:
  OpenAiBackendTest() {
    settings_.base_url = parseUrl("http://llm.test:1234/v1").value();
    settings_.api_key = "up-secret";
    settings_.headers.push_back({"X-Org", "us"});
  }

  struct Read {
    std::vector<std::string> contents;
    std::optional<Error> error;
  };

  Read readAnswer(bool stream) {
    auto backend = makeOpenAiBackend(client_, settings_);
    return test::runCoroutine(context_, collect(*backend, stream));
  }

  static net::awaitable<Read> collect(ChatBackend& backend, bool stream) {
    Read out;
    ChatCall call;
    call.body = "{}";
    call.stream = stream;
    call.request_id = "req-1";
    auto answer = co_await backend.open(std::move(call));
    if (!answer) {
      out.error = answer.error();
      co_return out;
    }
    for (;;) {
      auto chunk = co_await (*answer)->next();
      if (!chunk) {
        out.error = chunk.error();
        co_return out;
      }
      if (!*chunk) co_return out;
      for (const auto& choice : (*chunk)->choices) out.contents.push_back(choice.content);
    }
  }

  net::io_context context_;
  config::UpstreamSettings settings_;
  CannedClient client_;
};

TEST_F(OpenAiBackendTest, SendsTheCallWithItsCredential) {
  client_.answer(200, "text/event-stream", {kText, kFinish, "data: [DONE]\n\n"});
  const Read read = readAnswer(true);
  EXPECT_FALSE(read.error);
  const io::HttpRequest& request = client_.requests.at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url.target, "/v1/chat/completions");
  EXPECT_EQ(io::findHeader(request.headers, "authorization"), "Bearer up-secret");
  EXPECT_EQ(io::findHeader(request.headers, "x-org"), "us");
  EXPECT_EQ(io::findHeader(request.headers, "x-request-id"), "req-1");
}

TEST_F(OpenAiBackendTest, ReadsAStreamCutAnywhere) {
  const std::string whole = std::string(kText) + kFinish + "data: [DONE]\n\n";
  for (std::size_t cut = 1; cut < whole.size(); ++cut) {
    client_.answer(200, "text/event-stream", {whole.substr(0, cut), whole.substr(cut)});
    const Read read = readAnswer(true);
    ASSERT_FALSE(read.error) << cut;
    ASSERT_EQ(read.contents, (std::vector<std::string>{"hi", ""})) << cut;
  }
}

TEST_F(OpenAiBackendTest, AStreamEndsWithAFinishOrWithDone) {
  client_.answer(200, "text/event-stream", {kText, kFinish});
  EXPECT_FALSE(readAnswer(true).error);

  client_.answer(200, "text/event-stream", {kText, kFinish}, truncated());
  EXPECT_FALSE(readAnswer(true).error);

  client_.answer(200, "text/event-stream", {kText});
  EXPECT_EQ(readAnswer(true).error->code, ErrorCode::UpstreamStreamTruncated);

  client_.answer(200, "text/event-stream", {kText, "data: [DONE]\n\n"});
  EXPECT_FALSE(readAnswer(true).error);

  client_.answer(200, "text/event-stream", {kText}, truncated());
  EXPECT_EQ(readAnswer(true).error->code, ErrorCode::UpstreamStreamTruncated);
}

TEST_F(OpenAiBackendTest, ReadsAWholeAnswer) {
  client_.answer(200, "application/json",
                 {R"({"choices":[{"index":0,"message":{"role":"assis)",
                  R"(tant","content":"hi"},"finish_reason":"stop"}]})"});
  const Read read = readAnswer(false);
  EXPECT_FALSE(read.error);
  EXPECT_EQ(read.contents, std::vector<std::string>{"hi"});
}

TEST_F(OpenAiBackendTest, TakesJsonForAStreamAndAStreamForJson) {
  client_.answer(
      200, "application/json",
      {R"({"choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]})"});
  EXPECT_EQ(readAnswer(true).contents, std::vector<std::string>{"hi"});
  client_.answer(200, "text/event-stream; charset=utf-8", {kText, kFinish});
  EXPECT_EQ(readAnswer(false).contents, std::vector<std::string>{"hi"});
}

TEST_F(OpenAiBackendTest, AnErrorInA200IsAnError) {
  client_.answer(200, "application/json", {R"({"error":"model not loaded"})"});
  const Read read = readAnswer(false);
  ASSERT_TRUE(read.error);
  EXPECT_EQ(read.error->httpStatus(), 502);
  EXPECT_EQ(read.error->detail, "model not loaded");
}

TEST_F(OpenAiBackendTest, AnEmptyObjectIsNoAnswer) {
  client_.answer(200, "application/json", {"{}"});
  EXPECT_EQ(readAnswer(false).error->code, ErrorCode::UpstreamInvalidResponse);
}

TEST_F(OpenAiBackendTest, TranslatesRefusals) {
  client_.answer(401, "application/json", {R"({"error":{"message":"key up-secret is bad"}})"});
  const Read read = readAnswer(false);
  ASSERT_TRUE(read.error);
  EXPECT_EQ(read.error->code, ErrorCode::UpstreamAuth);
  EXPECT_EQ(read.error->message.find("up-secret"), std::string::npos);
}

}  // namespace
}  // namespace agw::upstream
