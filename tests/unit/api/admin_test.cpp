// The endpoints of administrators.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/executor_name.h"
#include "api/metrics_listener.h"
#include "pipeline_fixture.h"

namespace agw::api {
namespace {

using testing::HasSubstr;
using testing::Not;

class Admin : public PipelineTest {
 protected:
  Json get(const std::string& path) {
    const auto response = handle(fromEdge("GET", path, "admin"));
    EXPECT_EQ(response.status, 200) << path << response.body;
    EXPECT_EQ(io::findHeader(response.headers, "x-agent-executor"), executorName());
    return response.json();
  }
  // Through an agent whose upstream is not there.
  void failOnce(const std::string& id) {
    auto request = fromEdge("POST", "/v1/chat/completions", "chat", "default/assistant", kChat);
    request.headers[0].value = id;
    EXPECT_EQ(handle(std::move(request)).status, 502);
  }
};

TEST_F(Admin, EveryEndpointWantsTheScope) {
  for (const char* path : {"/agents", "/agents/errors", "/tools", "/upstreams", "/mcp/servers",
                           "/admin/metrics", "/admin/reload"}) {
    EXPECT_EQ(handle(fromEdge("GET", path, "chat")).code(), "scope_not_granted") << path;
    EXPECT_EQ(handle(fromEdge("GET", path, "admin")).status, 200) << path;
  }
  for (const char* path : {"/agents/refresh", "/tools/refresh", "/upstreams/refresh"}) {
    EXPECT_EQ(handle(fromEdge("POST", path, "chat")).code(), "scope_not_granted") << path;
    EXPECT_EQ(handle(fromEdge("POST", path, "admin")).status, 200) << path;
    EXPECT_EQ(handle(fromEdge("GET", path, "admin")).code(), "method_not_allowed") << path;
  }
}

TEST_F(Admin, ErrorsOfAgentsAreTheLatestFirst) {
  EXPECT_EQ(get("/agents/errors"), Json::array());
  failOnce("req-a");
  failOnce("req-b");
  // What the client did wrong is not the agent's error.
  handle(fromEdge("POST", "/v1/chat/completions", "chat", "default/assistant",
                  R"({"model":"assistant","n":2,"messages":[{"role":"user","content":"hi"}]})"));
  const Json errors = get("/agents/errors");
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0]["request_id"], "req-b");
  EXPECT_EQ(errors[1]["request_id"], "req-a");
  EXPECT_EQ(errors[0]["agent_id"], "default/assistant");
  EXPECT_EQ(errors[0]["event"], "agent_run_failed");
  EXPECT_EQ(errors[0]["error_stage"], "run");
  EXPECT_EQ(errors[0]["module_path"], nullptr);
  EXPECT_GT(errors[0]["timestamp"], 1.7e9);
  EXPECT_NE(errors[0]["details"], nullptr);
}

TEST_F(Admin, AnAgentThatCannotRunFailsInItsBuild) {
  handle(fromEdge("POST", "/v1/chat/completions", "chat", "default/broken",
                  R"({"model":"broken","messages":[{"role":"user","content":"hi"}]})"));
  const Json errors = get("/agents/errors");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0]["error_stage"], "build");
  EXPECT_EQ(errors[0]["details"], "no worker");
}

TEST_F(Admin, MetricsCountRequestsButNoProbes) {
  handle({"GET", "/health", {}, ""}, false);
  handle({"GET", "/ready", {}, ""}, false);
  failOnce("req-a");
  const Json metrics = get("/admin/metrics");
  EXPECT_EQ(metrics["total_requests"], 1);
  EXPECT_EQ(metrics["streaming_requests"], 0);
  EXPECT_EQ(metrics["requests_by_status"]["502"], 1);
  EXPECT_GT(metrics["max_latency_ms"], 0);
  EXPECT_EQ(metrics["max_latency_ms"], metrics["average_latency_ms"]);
  EXPECT_EQ(metrics["tool_invocations"], 0);
  EXPECT_EQ(get("/admin/metrics")["total_requests"], 2);
}

TEST_F(Admin, UpstreamsShowNeitherKeysNorQueries) {
  config::UpstreamSettings& upstream = settings_.upstreams["lm"];
  upstream.api_key = "hunter2";
  upstream.headers = {{"X-Key", "hunter2"}};
  upstream.base_url = parseUrl("https://llm.test/v1?key=hunter2").value();
  useSettings();
  const Json list = get("/upstreams");
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0]["name"], "lm");
  EXPECT_EQ(list[0]["base_url"], "https://llm.test/v1");
  EXPECT_EQ(list[0]["healthy"], nullptr) << "nobody has looked yet";
  EXPECT_EQ(list[0]["models"], 1);
  EXPECT_EQ(list[0]["provider"], "openai-compatible");
  EXPECT_EQ(list[0]["priority"], 0);
  EXPECT_EQ(list[0]["weight"], 1);
  EXPECT_EQ(list[0]["breaker"], "closed");
  EXPECT_EQ(list[0]["in_flight"], 0);
  EXPECT_EQ(list[0]["queued"], 0);
  EXPECT_THAT(dumpJson(list), Not(HasSubstr("hunter2")));
}

TEST_F(Admin, McpServersThatCannotBeUsedSayWhy) {
  settings_.mcp_servers["files"].name = "files";
  settings_.mcp_servers["files"].transport = config::McpTransport::Stdio;
  settings_.mcp_servers["files"].error = "not built";
  settings_.mcp_servers["weather"].name = "weather";
  settings_.mcp_servers["weather"].url = parseUrl("http://127.0.0.1:1/mcp").value();
  useSettings();
  Json list = get("/mcp/servers");
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0]["transport"], "stdio");
  EXPECT_EQ(list[0]["state"], "error");
  EXPECT_EQ(list[0]["last_error"], "not built");
  EXPECT_EQ(list[1]["state"], "idle");
  EXPECT_EQ(list[1]["tool_count"], nullptr);
  EXPECT_EQ(handle(fromEdge("POST", "/tools/refresh", "admin")).status, 200);
  list = get("/mcp/servers");
  EXPECT_EQ(list[1]["state"], "failed");
  EXPECT_NE(list[1]["last_error"], nullptr);
}

TEST_F(Admin, ReloadStatusSaysWhetherFilesAreWatched) {
  reload_.next.last_errors = {"f.yaml:1:1: wrong"};
  reload_.next.last_swap = std::chrono::microseconds(1500);
  const Json status = get("/admin/reload");
  EXPECT_EQ(status["watching"], true);
  EXPECT_EQ(status["executor"], executorName());
  EXPECT_EQ(status["gateway"]["last_error"], "f.yaml:1:1: wrong");
  EXPECT_EQ(status["gateway"]["last_swap_seconds"], 0.0015);
}

TEST_F(Admin, ARefusedRefreshSaysWhatIsWrong) {
  reload_.next.is_last_good = false;
  reload_.next.last_errors = {"f.yaml:1:1: wrong", "f.yaml:2:1: wrong, too"};
  const auto response = handle(fromEdge("POST", "/agents/refresh", "admin"));
  EXPECT_EQ(response.status, 422);
  EXPECT_EQ(response.code(), "configuration_invalid");
  EXPECT_THAT(response.body, HasSubstr("f.yaml:1:1: wrong (and 1 more)"));
}

class MetricsPage : public Admin {
 protected:
  BufferResponse ask(std::string method, std::string target) {
    io::ServerRequest request{std::move(method), std::move(target), {}, ""};
    BufferResponse response;
    MetricsListener listener(*service_);
    test::runCoroutine(context_, listener.handle(request, response));
    return response;
  }
};

TEST_F(MetricsPage, HasWhatWasCounted) {
  failOnce("req-a");
  telemetry::MetricsShard& shard = service_->metrics.addShard();
  shard.addToolCall("look", "http", telemetry::Outcome::Ok, 0.2);
  telemetry::UpstreamCall call;
  call.outcome = telemetry::UpstreamOutcome::Ok;
  call.header_seconds = 0.1;
  call.completion_tokens = 4;
  shard.addUpstreamCall("up", call);
  shard.addUpstreamRetry("up");
  const auto response = ask("GET", "/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(std::string(io::findHeader(response.headers, "content-type")),
              HasSubstr("version=0.0.4"));
  const std::string look = R"({provider="http",tool="look",)";
  for (const std::string& line :
       {std::string(R"(agent_gateway_requests_total{status="502",streaming="false"} 1)"),
        std::string("agent_gateway_request_duration_seconds_count 1"),
        std::string(R"(agent_gateway_request_duration_seconds_bucket{le="+Inf"} 1)"),
        "agent_gateway_tool_invocations_total" + look + R"(status="ok"} 1)",
        "agent_gateway_tool_duration_seconds_bucket" + look + R"(le="0.1"} 0)",
        "agent_gateway_tool_duration_seconds_bucket" + look + R"(le="0.25"} 1)",
        std::string(R"(agent_gateway_upstream_requests_total{outcome="ok",upstream="up"} 1)"),
        std::string(R"(agent_gateway_upstream_requests_total{outcome="failed",upstream="up"} 0)"),
        std::string(R"(agent_gateway_upstream_retries_total{upstream="up"} 1)"),
        std::string(R"(agent_gateway_upstream_header_seconds_count{upstream="up"} 1)"),
        std::string(R"(agent_gateway_upstream_first_token_seconds_count{upstream="up"} 0)"),
        std::string(R"(agent_gateway_upstream_tokens_total{kind="completion",upstream="up"} 4)"),
        std::string(R"(agent_gateway_upstream_breaker{state="closed",upstream="lm"} 1)"),
        std::string(R"(agent_gateway_upstream_breaker{state="open",upstream="lm"} 0)"),
        std::string(R"(agent_gateway_upstream_in_flight{upstream="lm"} 0)"),
        std::string("agent_gateway_config_valid 1"),
        std::string("agent_gateway_config_generation 1"),
        std::string(R"(agent_gateway_agents{status="error"} 1)")}) {
    EXPECT_THAT(response.body, HasSubstr(line));
  }
}

TEST_F(MetricsPage, IsAllThatIsThere) {
  EXPECT_EQ(ask("GET", "/").status, 404);
  EXPECT_EQ(ask("GET", "/v1/models").status, 404);
  const auto post = ask("POST", "/metrics");
  EXPECT_EQ(post.status, 405);
  EXPECT_EQ(io::findHeader(post.headers, "allow"), "GET");
}

}  // namespace
}  // namespace agw::api
