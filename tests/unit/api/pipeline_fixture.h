// A pipeline with a small configuration whose upstream nobody answers for.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/pipeline.h"
#include "base/json_reader.h"
#include "shared/proof.h"
#include "support/coroutine.h"
#include "support/memory_log.h"

namespace agw::api {

namespace net = boost::asio;

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

inline constexpr auto kSecret = "0123456789abcdef0123456789abcdef";

class OneThread final : public ThreadControl {
 public:
  explicit OneThread(const CurrentParts& current) : current_(current) {}
  std::size_t count() const override { return 1; }
  net::awaitable<void> onEach(const Job& job) override { co_await job(*current_.parts, 0); }

 private:
  const CurrentParts& current_;
};

class ScriptedReload final : public ReloadControl {
 public:
  explicit ScriptedReload(const config::Settings& settings) : settings_(settings) {}
  net::awaitable<config::ReloadStatus> reload() override { co_return next; }
  config::ReloadStatus status() const override { return next; }
  bool isWatching() const override { return true; }
  std::shared_ptr<const config::Settings> settings() const override {
    return std::make_shared<const config::Settings>(settings_);
  }
  config::ReloadStatus next;

 private:
  const config::Settings& settings_;
};

class PipelineTest : public testing::Test {
 protected:
  PipelineTest() {
    config::UpstreamSettings upstream;
    upstream.name = "lm";
    upstream.base_url = parseUrl("http://127.0.0.1:1/v1").value();  // nothing listens there
    upstream.models = {"plain"};
    upstream.retry.retries = 0;
    upstream.breaker.failures = 0;
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
    service_ = std::unique_ptr<Service>(new Service{secrets_, log_, 1700000000});
    service_->threads = &threads_;
    service_->reload = &reload_;
    service_->health = &health_;
    client_ = io::makeHttpClient(context_, {});
    useSettings();
  }

  void useSettings() {
    const auto loaded = std::make_shared<const config::Settings>(settings_);
    telemetry::MetricsShard& metrics = service_->metrics.addShard();
    const upstream::Surroundings around{service_->upstreams, metrics, log_};
    current_.parts = std::make_shared<const ThreadParts>(
        ThreadParts{*service_, std::make_shared<const Configuration>(loaded, 1),
                    std::make_shared<const upstream::Registry>(context_, *loaded, around),
                    std::make_shared<tool::ToolSet>(context_, *client_, *loaded, log_), metrics});
  }

  void addAgent(const std::string& id, const std::string& error) {
    config::AgentSettings agent;
    agent.id = id;
    agent.upstreams = {{"lm", "x"}};
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
  OneThread threads_{current_};
  ScriptedReload reload_{settings_};
  upstream::SharedState health_states_;
  upstream::HealthChecks health_{context_, log_, health_states_, [] {}};
};

inline constexpr auto kChat =
    R"({"model":"assistant","messages":[{"role":"user","content":"hi"}]})";

}  // namespace agw::api
