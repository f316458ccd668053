#include "api/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <map>

#include "base/json_reader.h"
#include "shared/proof.h"
#include "support/coroutine.h"
#include "support/memory_log.h"

namespace agw::api {
namespace {

namespace net = boost::asio;

using testing::HasSubstr;
using testing::Not;

class BufferResponse final : public io::ResponseWriter {
 public:
  bool started() const override { return status != 0; }
  net::awaitable<Result<void>> send(int code, io::HttpHeaders sent, std::string text) override {
    status = code;
    headers = std::move(sent);
    body = std::move(text);
    co_return Result<void>();
  }
  net::awaitable<Result<void>> start(int code, io::HttpHeaders sent,
                                     std::string_view first) override {
    status = code;
    headers = std::move(sent);
    body += first;
    co_return Result<void>();
  }
  net::awaitable<Result<void>> write(std::string_view bytes) override {
    body += bytes;
    co_return Result<void>();
  }
  net::awaitable<Result<void>> finish(std::string_view last) override {
    body += last;
    finished = true;
    co_return Result<void>();
  }

  Json json() const { return parseJson(body).value(); }
  std::string code() const { return json()["error"]["code"].get<std::string>(); }

  int status = 0;
  io::HttpHeaders headers;
  std::string body;
  bool finished = false;
};

constexpr auto kSecret = "0123456789abcdef0123456789abcdef";

class PipelineTest : public testing::Test {
 protected:
  PipelineTest() {
    config::UpstreamSettings upstream;
    upstream.name = "lm";
    upstream.base_url = parseUrl("http://127.0.0.1:1/v1").value();  // nothing listens there
    upstream.models = {"plain"};
    settings_.upstreams["lm"] = upstream;
    addAgent("default/assistant", "");
    addAgent("research/secret", "");
    addAgent("default/broken", "no worker");
    config::ToolSettings tool;
    tool.name = "t";
    tool.provider = config::ToolProvider::Local;
    tool.error = "not built";
    settings_.tools["t"] = tool;
    settings_.aliases["default/fast"] = {"lm/plain"};
    settings_.aliases["research/helper"] = {"default/assistant"};
    const auto loaded = std::make_shared<const config::Settings>(settings_);
    service_ = std::unique_ptr<Service>(new Service{secrets_, log_, 1700000000, {false}, nullptr});
    client_ = io::makeHttpClient(context_, {});
    current_.parts = std::make_shared<const ThreadParts>(
        ThreadParts{*service_, std::make_shared<const Configuration>(loaded, 1),
                    std::make_shared<const upstream::Registry>(context_, *loaded),
                    std::make_shared<const tool::ToolSet>(context_, *client_, *loaded, log_)});
  }

  void addAgent(const std::string& id, const std::string& error) {
    config::AgentSettings agent;
    agent.id = id;
    agent.upstream = "lm";
    agent.model = "x";
    agent.error = error;
    settings_.agents.push_back(agent);
  }

  // A request as the edge sends it for a key with these scopes.
  io::ServerRequest fromEdge(std::string method, std::string target, std::string scopes,
                             std::string model = "", std::string body = "") {
    io::ServerRequest request{std::move(method), std::move(target), {}, std::move(body)};
    request.headers = {{"X-Request-Id", "req-1"},
                       {"Content-Type", "application/json"},
                       {"X-Agent-Key-Id", "alice"},
                       {"X-Agent-Scopes", std::move(scopes)},
                       {"X-Agent-Grants", "allow=default/*,lm/*;deny=default/hidden"}};
    if (!model.empty()) request.headers.push_back({"X-Agent-Model", std::move(model)});
    return request;
  }

  static void sign(io::ServerRequest& request, std::int64_t at, const char* secret = kSecret) {
    std::map<std::string, std::string> sorted;
    for (const auto& header : request.headers) {
      std::string name = header.name;
      std::transform(name.begin(), name.end(), name.begin(), ::tolower);
      if (isAgentHeader(name)) sorted[name] = header.value;
    }
    std::vector<ProofHeader> headers;
    for (const auto& [name, value] : sorted) headers.push_back({name, value});
    char proof[kProofMaxSize];
    ProofKey key(secret);
    const std::size_t size = signProof(
        key, {request.method, request.target, request.header("x-request-id"), headers}, at, proof);
    request.headers.push_back({"X-Agent-Proof", std::string(proof, size)});
  }

  BufferResponse handle(io::ServerRequest request, bool with_proof = true) {
    if (with_proof) sign(request, std::time(nullptr));
    BufferResponse response;
    Pipeline pipeline(*service_, current_);
    test::runCoroutine(context_, pipeline.handle(request, response));
    return response;
  }

  net::io_context context_;
  config::Settings settings_;
  std::vector<std::string> secrets_{kSecret};
  test::MemoryLog log_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<io::HttpClient> client_;
  CurrentParts current_;
};

constexpr auto kChat = R"({"model":"assistant","messages":[{"role":"user","content":"hi"}]})";

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
  EXPECT_TRUE(refused(old));

  auto foreign = fromEdge("GET", "/v1/models", "chat");
  sign(foreign, std::time(nullptr), "ffffffffffffffffffffffffffffffff");
  EXPECT_TRUE(refused(foreign));

  auto raised = fromEdge("GET", "/v1/models", "chat");
  sign(raised, std::time(nullptr));
  raised.headers[3].value = "chat,admin";
  EXPECT_TRUE(refused(raised));

  auto added = fromEdge("GET", "/v1/models", "chat");
  sign(added, std::time(nullptr));
  added.headers.push_back({"x-agent-scopes", "admin"});
  EXPECT_TRUE(refused(added));

  auto underscore = fromEdge("GET", "/v1/models", "chat");
  sign(underscore, std::time(nullptr));
  underscore.headers.push_back({"x_agent_scopes", "admin"});
  EXPECT_TRUE(refused(underscore));

  auto elsewhere = fromEdge("GET", "/v1/models", "chat");
  sign(elsewhere, std::time(nullptr));
  elsewhere.target = "/tools";
  EXPECT_TRUE(refused(elsewhere));
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
  const auto response = handle(request);
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
  auto request = fromEdge("POST", "/v1/chat/completions", "chat", "default/assistant", kChat);
  request.headers[1].value = "text/plain";
  EXPECT_EQ(handle(request).status, 415);
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
