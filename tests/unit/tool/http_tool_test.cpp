#include "tool/http_tool.h"

#include <gtest/gtest.h>

#include "support/memory_log.h"
#include "tests/unit/mcp/fake_http_client.h"

namespace agw::test {
namespace {

class HttpTool : public ::testing::Test {
 protected:
  HttpTool() : client(context) {
    settings.name = "get_weather";
    settings.description = "Says what the weather is.";
    settings.parameters_json = R"({"type":"object","properties":{"city":{"type":"string"}}})";
    settings.url = parseUrl("http://10.0.0.7:9/weather?key=s3cret").value();
    settings.headers = {{"Authorization", "Bearer t0ken"}};
  }
  tool::ToolResult call(const std::string& arguments, Millis limit = Millis(2000)) {
    tool::HttpTool tool(settings, client, log);
    return runOn(context, tool.call({arguments, Deadline::in(limit), "req-1", "00-a-b-01"}));
  }
  std::string header(std::string_view name) const {
    return std::string(io::findHeader(client.requests.back().headers, name));
  }
  bool logged(const std::string& text) const {
    for (const auto& line : log.lines()) {
      if (line.find(text) != std::string::npos) return true;
    }
    return false;
  }

  net::io_context context;
  FakeHttpClient client;
  MemoryLog log;
  config::ToolSettings settings;
};

TEST_F(HttpTool, IsDescribedByItsConfiguration) {
  tool::HttpTool tool(settings, client, log);
  const tool::ToolSpec spec = runOn(context, tool.describe(Deadline::in(Millis(10))));
  EXPECT_EQ(spec.name, "get_weather");
  EXPECT_EQ(spec.description, "Says what the weather is.");
  EXPECT_EQ(spec.parameters_json, settings.parameters_json);
  settings.parameters_json.clear();
  tool::HttpTool open(settings, client, log);
  EXPECT_EQ(runOn(context, open.describe(Deadline::never())).parameters_json,
            R"({"type":"object"})");
  EXPECT_TRUE(client.requests.empty());
}

TEST_F(HttpTool, PostsTheArgumentsAsTheyAre) {
  client.script = {json(R"({"sky":"blue"})")};
  const auto result = call(R"({"city":"Oslo", "n":1.10})");
  EXPECT_EQ(result.text, R"({"sky":"blue"})");
  EXPECT_FALSE(result.is_error);
  EXPECT_TRUE(result.started);
  EXPECT_EQ(client.requests.back().method, "POST");
  EXPECT_EQ(client.requests.back().url.target, "/weather?key=s3cret");
  EXPECT_EQ(client.requests.back().body, R"({"city":"Oslo", "n":1.10})");
  EXPECT_EQ(header("content-type"), "application/json");
  EXPECT_EQ(header("authorization"), "Bearer t0ken");
  EXPECT_EQ(header("x-request-id"), "req-1");
  EXPECT_EQ(header("traceparent"), "00-a-b-01");
}

TEST_F(HttpTool, KeepsAConfiguredContentTypeAndMethod) {
  settings.method = "PUT";
  settings.headers.push_back({"Content-Type", "application/vnd.weather+json"});
  client.script = {plain(200, "ok")};
  EXPECT_FALSE(call("").is_error);
  EXPECT_EQ(client.requests.back().method, "PUT");
  EXPECT_EQ(client.requests.back().body, "{}");
  EXPECT_EQ(header("content-type"), "application/vnd.weather+json");
}

TEST_F(HttpTool, PutsTheArgumentsOfAGetIntoTheQuery) {
  settings.method = "GET";
  client.script = {plain(200, "ok")};
  ASSERT_FALSE(
      call(
          R"({"city":"São Paulo & #1","n":1.10,"big":12345678901234567890123,"on":true,"none":null,)"
          R"("list":[1, "a b"],"a=b":"","o":{"k": "v"}})")
          .is_error);
  EXPECT_EQ(client.requests.back().method, "GET");
  EXPECT_EQ(client.requests.back().url.target,
            "/weather?key=s3cret&city=S%C3%A3o%20Paulo%20%26%20%231&n=1.10"
            "&big=12345678901234567890123&on=true&none=null&list=%5B1%2C%22a%20b%22%5D&a%3Db="
            "&o=%7B%22k%22%3A%22v%22%7D");
  EXPECT_EQ(client.requests.back().body, "");
  EXPECT_EQ(header("content-type"), "");
}

TEST_F(HttpTool, CannotBeMadeToWriteAnotherRequestThroughTheQuery) {
  settings.method = "GET";
  client.script = {plain(200, "ok")};
  call(R"({"city":"x HTTP/1.1\r\nEvil: 1","city":"y z"})");
  EXPECT_EQ(client.requests.back().url.target, "/weather?key=s3cret&city=y%20z");
}

TEST(HttpToolQuery, JoinsWhatIsThere) {
  const Json one = parseJson(R"({"a":"1"})").value();
  EXPECT_EQ(tool::withQuery("/p", one, R"({"a":"1"})"), "/p?a=1");
  EXPECT_EQ(tool::withQuery("/p?", one, R"({"a":"1"})"), "/p?a=1");
  EXPECT_EQ(tool::withQuery("/p?x=1", one, R"({"a":"1"})"), "/p?x=1&a=1");
  EXPECT_EQ(tool::withQuery("/p?x=1&", one, R"({"a":"1"})"), "/p?x=1&a=1");
  EXPECT_EQ(tool::withQuery("/p?x=1", parseJson("{}").value(), "{}"), "/p?x=1");
}

TEST_F(HttpTool, RefusesArgumentsThatAreNoObjectOrTooLong) {
  for (const char* arguments : {"[]", "7", "{", "\"x\""}) {
    const auto result = call(arguments);
    EXPECT_TRUE(result.is_error) << arguments;
    EXPECT_FALSE(result.started) << arguments;
  }
  settings.method = "GET";
  const auto result = call(R"({"a":")" + std::string(20000, 'x') + "\"}");
  EXPECT_TRUE(result.is_error);
  EXPECT_FALSE(result.started);
  EXPECT_TRUE(client.requests.empty());
}

TEST_F(HttpTool, ShowsTheModelTheStatusAndTheHeadOfARefusal) {
  client.script = {plain(404, "no such city")};
  const auto result = call("{}");
  EXPECT_TRUE(result.is_error);
  EXPECT_TRUE(result.started);
  EXPECT_EQ(result.text, "The tool answered with HTTP status 404: no such city");

  client.script = {plain(500, std::string(2047, 'x') + "\xc3\xa4 and more")};
  EXPECT_EQ(call("{}").text,
            "The tool answered with HTTP status 500: " + std::string(2047, 'x') + "…");
  EXPECT_EQ(client.open_responses, 0);

  client.script = {plain(503)};
  EXPECT_EQ(call("{}").text, "The tool answered with HTTP status 503");
}

TEST_F(HttpTool, DoesNotFollowARedirect) {
  Canned canned = plain(302);
  canned.headers = {{"location", "http://169.254.169.254/latest"}};
  client.script = {canned};
  const auto result = call("{}");
  EXPECT_TRUE(result.is_error);
  EXPECT_EQ(result.text, "The tool answered with HTTP status 302");
  EXPECT_EQ(client.requests.size(), 1u);
}

TEST_F(HttpTool, TakesAnAnswerUpToItsLimit) {
  settings.max_response_bytes = 10;
  client.script = {plain(200, "0123456789")};
  EXPECT_EQ(call("{}").text, "0123456789");
  Canned pieces = plain(200);
  pieces.pieces = {"01234", "56789", "!"};
  client.script = {pieces};
  const auto result = call("{}");
  EXPECT_TRUE(result.is_error);
  EXPECT_TRUE(result.started);
  EXPECT_EQ(result.text, "The tool's answer is larger than 10 bytes.");
}

TEST_F(HttpTool, FailsShortlyAndWithoutTheAddress) {
  client.script = {unreachable(true)};
  const auto refused = call("{}");
  EXPECT_EQ(refused.text, "The tool cannot be reached.");
  EXPECT_TRUE(refused.is_error);
  EXPECT_FALSE(refused.started);
  EXPECT_TRUE(logged(R"("tool":"get_weather","request_id":"req-1")"));
  EXPECT_FALSE(logged("s3cret"));
  EXPECT_FALSE(logged("t0ken"));

  client.script = {unreachable(false)};
  EXPECT_TRUE(call("{}").started);

  Canned cut = plain(200, "abc");
  cut.end = End::Truncated;
  client.script = {cut};
  const auto broken = call("{}");
  EXPECT_EQ(broken.text, "The tool broke off its answer.");
  EXPECT_TRUE(broken.started);
}

TEST_F(HttpTool, EndsAtTheEarlierOfTheTwoTimes) {
  client.script = {silent()};
  const auto start = Clock::now();
  const auto result = call("{}", Millis(30));
  EXPECT_EQ(result.text, "The tool did not answer in time.");
  EXPECT_TRUE(result.started);
  settings.timeout = Millis(30);
  client.script = {silent()};
  EXPECT_TRUE(call("{}", Millis(60000)).is_error);
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(10));
}

}  // namespace
}  // namespace agw::test
