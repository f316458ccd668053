#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline_fixture.h"

namespace agw::api {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(PipelineTest, ProbesNeedNoProof) {
  EXPECT_EQ(handle({"GET", "/health", {}, ""}, false).json()["status"], "ok");
  EXPECT_EQ(handle({"GET", "/ready", {}, ""}, false).status, 200);
  service_->draining = true;
  const auto draining = handle({"GET", "/ready", {}, ""}, false);
  EXPECT_EQ(draining.status, 503);
  EXPECT_EQ(draining.json()["failing"][0], "draining");
  EXPECT_EQ(draining.code(), "draining");
}

TEST_F(PipelineTest, EverythingElseNeedsAProof) {
  for (const char* target : {"/", "/v1/models", "/tools", "/v1/chat/completions", "/nothing"}) {
    const auto response = handle(fromEdge("GET", target, "chat,admin"), false);
    EXPECT_EQ(response.status, 403) << target;
    EXPECT_EQ(response.code(), "proof_invalid") << target;
  }
}

TEST_F(PipelineTest, RefusesForgedOldAndRepeatedProofs) {
  const auto refused = [&](io::ServerRequest request) {
    const auto response = handle(std::move(request), false);
    return response.status == 403 && response.code() == "proof_invalid";
  };
  auto old = fromEdge("GET", "/v1/models", "chat");
  sign(old, std::time(nullptr) - 31);
  EXPECT_TRUE(refused(std::move(old)));

  auto foreign = fromEdge("GET", "/v1/models", "chat");
  sign(foreign, std::time(nullptr), "ffffffffffffffffffffffffffffffff");
  EXPECT_TRUE(refused(std::move(foreign)));

  auto raised = fromEdge("GET", "/v1/models", "chat");
  sign(raised, std::time(nullptr));
  raised.headers[3].value = "chat,admin";
  EXPECT_TRUE(refused(std::move(raised)));

  auto added = fromEdge("GET", "/v1/models", "chat");
  sign(added, std::time(nullptr));
  added.headers.push_back({"x-agent-scopes", "admin"});
  EXPECT_TRUE(refused(std::move(added)));

  auto underscore = fromEdge("GET", "/v1/models", "chat");
  sign(underscore, std::time(nullptr));
  underscore.headers.push_back({"x_agent_scopes", "admin"});
  EXPECT_TRUE(refused(std::move(underscore)));

  auto elsewhere = fromEdge("GET", "/v1/models", "chat");
  sign(elsewhere, std::time(nullptr));
  elsewhere.target = "/tools";
  EXPECT_TRUE(refused(std::move(elsewhere)));
}

TEST_F(PipelineTest, ASecondSecretVerifiesToo) {
  secrets_.insert(secrets_.begin(), "11111111111111111111111111111111");
  EXPECT_EQ(handle(fromEdge("GET", "/v1/models", "chat")).status, 200);
}

TEST_F(PipelineTest, ListsWhatTheKeyMayUse) {
  const Json list = handle(fromEdge("GET", "/v1/models", "chat")).json();
  std::vector<std::string> ids;
  for (const Json& model : list["data"]) ids.push_back(model["id"]);
  EXPECT_THAT(ids, testing::ElementsAre("assistant", "broken", "lm/plain", "fast"));
  EXPECT_EQ(list["data"][0]["created"], 1700000000);
  EXPECT_EQ(list["data"][1]["metadata"]["status"], "error");
}

TEST_F(PipelineTest, GivesOneModelByEitherName) {
  for (const char* target :
       {"/v1/models/assistant", "/v1/models/default/assistant", "/v1/models/default%2Fassistant",
        "/v1/models/lm/plain", "/v1/models/fast", "/v1/models/default/fast"}) {
    EXPECT_EQ(handle(fromEdge("GET", target, "chat")).status, 200) << target;
  }
  for (const char* target : {"/v1/models/research/secret", "/v1/models/research/helper",
                             "/v1/models/nope", "/v1/models/a%20b", "/v1/models/%zz"}) {
    const auto response = handle(fromEdge("GET", target, "chat"));
    EXPECT_EQ(response.status, 404) << target;
    EXPECT_EQ(response.code(), "model_not_found") << target;
  }
}

TEST_F(PipelineTest, RefusesWhatIsOneTooMany) {
  service_->max_open_requests = 1;
  EXPECT_EQ(handle(fromEdge("GET", "/v1/models", "chat")).status, 200);
  service_->open_requests = 1;  // another one is at work
  const auto refused = handle(fromEdge("GET", "/v1/models", "chat"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.code(), "overloaded");
  EXPECT_EQ(io::findHeader(refused.headers, "Retry-After"), "1");
  EXPECT_EQ(handle({"GET", "/health", {}, ""}, false).status, 200) << "probes are not counted";
  EXPECT_EQ(service_->open_requests, 1u) << "nor is what was refused";
}

TEST_F(PipelineTest, ToolsAreForAdmins) {
  const auto response = handle(fromEdge("GET", "/tools", "chat"));
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.code(), "scope_not_granted");
  const Json list = handle(fromEdge("GET", "/tools", "chat,admin")).json();
  EXPECT_EQ(list[0]["provider"], "local");
  EXPECT_EQ(list[0]["status"], "error");
}

TEST_F(PipelineTest, ARequestWithoutAKeyGetsNoModels) {
  io::ServerRequest request{"GET", "/v1/models", {{"X-Request-Id", "req-1"}}, ""};
  const auto response = handle(std::move(request));
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(response.code(), "invalid_api_key");
}

TEST_F(PipelineTest, UnknownPathsAndMethods) {
  EXPECT_EQ(handle(fromEdge("GET", "/v1/nothing", "chat")).code(), "not_found");
  EXPECT_EQ(handle(fromEdge("POST", "/v1//chat/completions", "chat")).code(), "not_found");
  const auto response = handle(fromEdge("DELETE", "/v1/models", "chat"));
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(io::findHeader(response.headers, "allow"), "GET");
}

TEST_F(PipelineTest, RefusesABodyWhoseModelIsNotTheOneThatWasChecked) {
  for (const char* checked : {"", "default/other", "assistant"}) {
    const auto response = handle(fromEdge("POST", "/v1/chat/completions", "chat", checked, kChat));
    EXPECT_EQ(response.status, 400) << checked;
    EXPECT_EQ(response.code(), "model_mismatch") << checked;
  }
}

TEST_F(PipelineTest, ChecksTheGrantsAgain) {
  const auto response = handle(
      fromEdge("POST", "/v1/chat/completions", "chat", "research/secret",
               R"({"model":"research/secret","messages":[{"role":"user","content":"hi"}]})"));
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.code(), "agent_not_allowed");
}

TEST_F(PipelineTest, AnUnknownModelIsNotFoundInAStreamToo) {
  for (const char* stream : {"", R"("stream":true,)"}) {
    const auto response =
        handle(fromEdge("POST", "/v1/chat/completions", "chat", "default/nope",
                        std::string("{") + stream +
                            R"("model":"nope","messages":[{"role":"user","content":"hi"}]})"));
    EXPECT_EQ(response.status, 404);
    EXPECT_EQ(response.code(), "model_not_found");
    EXPECT_EQ(response.json()["error"]["param"], "model");
  }
}

TEST_F(PipelineTest, AnAgentWithAnErrorSaysSoOnce) {
  const auto response =
      handle(fromEdge("POST", "/v1/chat/completions", "chat", "default/broken",
                      R"({"model":"broken","messages":[{"role":"user","content":"hi"}]})"));
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.code(), "agent_unavailable");
  EXPECT_EQ(io::findHeader(response.headers, "x-should-retry"), "false");
}

TEST_F(PipelineTest, AnUnreachableUpstreamIsABadGateway) {
  const auto response =
      handle(fromEdge("POST", "/v1/chat/completions", "chat", "default/assistant", kChat));
  EXPECT_EQ(response.status, 502);
  EXPECT_EQ(response.code(), "upstream_unreachable");
  EXPECT_THAT(response.body, Not(HasSubstr("127.0.0.1")));
}

TEST_F(PipelineTest, RefusesOtherMediaTypes) {
  const auto statusOf = [this](const char* type) {
    auto request = fromEdge("POST", "/v1/chat/completions", "chat", "default/assistant", kChat);
    request.headers[1].value = type;
    return handle(std::move(request)).status;
  };
  for (const char* type : {"text/plain", "application/json5", "text/plain; as=application/json"}) {
    EXPECT_EQ(statusOf(type), 415) << type;
  }
  for (const char* type :
       {"", "application/json ; charset=utf-8", "Application/JSON;x", "application/vnd.api+json"}) {
    EXPECT_EQ(statusOf(type), 502) << type << ": nobody is behind it";
  }
}

TEST_F(PipelineTest, LogsOneLineWithTheRequestId) {
  handle(fromEdge("GET", "/v1/models?x=secret", "chat"));
  const auto lines = log_.lines();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], HasSubstr(R"("request_id":"req-1")"));
  EXPECT_THAT(lines[0], HasSubstr(R"("path":"/v1/models")"));
  EXPECT_THAT(lines[0], HasSubstr(R"("key_id":"alice")"));
  EXPECT_THAT(lines[0], HasSubstr(R"("status":200)"));
  EXPECT_THAT(lines[0], Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace agw::api
