// The looks at upstreams, against a server on a real socket.
#include "upstream/health_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "io/http_server.h"
#include "support/memory_log.h"

namespace agw::upstream {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr Millis kDeadline{10'000};
constexpr Millis kNever{3'600'000};

class ModelServer final : public io::RequestHandler {
 public:
  net::awaitable<void> handle(io::ServerRequest& request, io::ResponseWriter& response) override {
    ++asked;
    authorization = std::string(request.header("authorization"));
    io::HttpHeaders headers = {{"Content-Type", "application/json"}};
    std::string text = body;
    co_await response.send(status, std::move(headers), std::move(text));
  }
  std::string errorBody(int, std::string_view) override { return {}; }

  int asked = 0;
  int status = 200;
  std::string body = R"({"data":[{"id":"m"}]})";
  std::string authorization;
};

class HealthChecksTest : public testing::Test {
 protected:
  HealthChecksTest() {
    io::ServerOptions options;
    options.listen = "127.0.0.1:0";
    server_ = io::makeHttpServer(options, {{context_, handler_}}, log_);
    describe("lm").discover = true;
  }
  ~HealthChecksTest() override {
    checks_.stop();
    net::co_spawn(context_, server_->drain(Deadline::in(Millis(10))), net::detached);
    context_.restart();
    context_.run();
  }

  config::UpstreamSettings& describe(const std::string& name) {
    config::UpstreamSettings& upstream = settings_.upstreams[name];
    upstream.name = name;
    upstream.base_url = parseUrl("http://" + server_->address() + "/v1").value();
    upstream.health_interval = Millis(100);
    return upstream;
  }
  void runUntil(const std::function<bool()>& condition) {
    const auto end = Clock::now() + kDeadline;
    context_.restart();
    while (!condition() && Clock::now() < end) context_.run_one_for(kDeadline);
    EXPECT_TRUE(condition());
  }
  Health health(const std::string& name) const { return checks_.all().at(name); }
  int logged(const std::string& event) const {
    int count = 0;
    for (const std::string& line : log_.lines()) {
      count += line.find("\"event\":\"" + event + '"') != std::string::npos ? 1 : 0;
    }
    return count;
  }

  net::io_context context_;
  test::MemoryLog log_;
  ModelServer handler_;
  std::unique_ptr<io::HttpServer> server_;
  config::Settings settings_;
  int changes_ = 0;
  SharedState states_;
  HealthChecks checks_{context_, log_, states_, [this] { ++changes_; }};
};

TEST_F(HealthChecksTest, LookAtOnceAndAgain) {
  settings_.upstreams["lm"].api_key = "up-secret";
  checks_.use(settings_);
  EXPECT_FALSE(health("lm").is_known);
  runUntil([&] { return health("lm").is_known; });
  EXPECT_TRUE(health("lm").is_well);
  EXPECT_GT(health("lm").checked_at, 1'700'000'000'000);
  EXPECT_EQ(handler_.authorization, "Bearer up-secret");
  EXPECT_THAT(checks_.models(), ElementsAre(Pair("lm", ElementsAre("m"))));
  runUntil([&] { return handler_.asked >= 3; });
  EXPECT_EQ(changes_, 1) << "the same list again is no change";
}

TEST_F(HealthChecksTest, TellAnUpstreamThatFallsIllAndIsWellAgain) {
  checks_.use(settings_);
  runUntil([&] { return health("lm").is_well; });
  handler_.status = 500;
  runUntil([&] { return !health("lm").is_well; });
  EXPECT_EQ(health("lm").error, "answered with status 500");
  EXPECT_THAT(checks_.models(), ElementsAre(Pair("lm", ElementsAre("m")))) << "goes on";
  handler_.status = 200;
  handler_.body = R"({"data":[{"id":"m"},{"id":"n"}]})";
  runUntil([&] { return changes_ == 2; });
  EXPECT_TRUE(health("lm").is_well);
  EXPECT_EQ(health("lm").error, "");
  EXPECT_EQ(logged("upstream_unhealthy"), 1);
  EXPECT_EQ(logged("upstream_healthy"), 2);
}

TEST_F(HealthChecksTest, OneThatNobodyAnswersForIsIll) {
  describe("gone").base_url = parseUrl("http://127.0.0.1:1/v1").value();
  checks_.use(settings_);
  runUntil([&] { return health("gone").is_known && health("lm").is_known; });
  EXPECT_FALSE(health("gone").is_well);
  EXPECT_TRUE(states_.all().at("gone")->isUnwell()) << "for those who choose among upstreams";
  EXPECT_FALSE(states_.all().at("lm")->isUnwell());
  EXPECT_NE(health("gone").error, "");
  EXPECT_TRUE(health("lm").is_well);
}

TEST_F(HealthChecksTest, ForgetWhatIsNotConfiguredAnyMore) {
  settings_.upstreams["lm"].health_interval = kNever;
  checks_.use(settings_);
  runUntil([&] { return health("lm").is_known; });
  const int asked = handler_.asked;
  describe("second").health_interval = kNever;
  checks_.use(settings_);
  EXPECT_TRUE(health("lm").is_known) << "described as before";
  runUntil([&] { return health("second").is_known; });
  EXPECT_EQ(handler_.asked, asked + 1);
  checks_.use({});
  EXPECT_THAT(checks_.all(), IsEmpty());
  EXPECT_THAT(checks_.models(), IsEmpty());
}

TEST_F(HealthChecksTest, CanBeAskedToLookNow) {
  settings_.upstreams["lm"].health_interval = kNever;
  checks_.use(settings_);
  runUntil([&] { return health("lm").is_known; });
  handler_.status = 401;
  bool is_done = false;
  net::co_spawn(context_, checks_.checkNow(), [&](std::exception_ptr) { is_done = true; });
  runUntil([&] { return is_done; });
  EXPECT_EQ(health("lm").error, "answered with status 401: it refuses the credential");
}

}  // namespace
}  // namespace agw::upstream
