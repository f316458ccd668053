#include "upstream/health_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "canned_client.h"
#include "support/coroutine.h"

namespace agw::upstream {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class HealthCheck : public testing::Test {
 protected:
  HealthCheck() {
    settings_.name = "lm";
    settings_.base_url = parseUrl("http://llm.test:1234/v1").value();
    settings_.api_key = "up-secret";
    settings_.headers = {{"X-Org", "us"}};
  }
  HealthLook look() { return test::runCoroutine(context_, checkHealth(client_, settings_)); }

  net::io_context context_;
  config::UpstreamSettings settings_;
  CannedClient client_;
};

constexpr auto kList = R"({"object":"list","data":[{"id":"b"},{"id":"a/c"}]})";

TEST_F(HealthCheck, SendsTheCredentialToTheHealthPath) {
  settings_.health_path = "/health";
  client_.answer(204, "", {});
  EXPECT_EQ(look().error, "");
  ASSERT_EQ(client_.requests.size(), 1u);
  const io::HttpRequest& request = client_.requests[0];
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.url.target, "/v1/health");
  EXPECT_EQ(io::findHeader(request.headers, "authorization"), "Bearer up-secret");
  EXPECT_EQ(io::findHeader(request.headers, "x-org"), "us");
}

TEST_F(HealthCheck, OnlySuccessIsWellAndNotFoundWhereTheSettingsSaySo) {
  for (const int status : {301, 401, 403, 404, 429, 500, 503}) {
    client_.answer(status, "", {});
    EXPECT_THAT(look().error, HasSubstr(std::to_string(status)));
  }
  settings_.health_allow_404 = true;
  client_.answer(404, "", {});
  EXPECT_EQ(look().error, "");
}

TEST_F(HealthCheck, ModelsAreReadOnlyWhenTheyAreWanted) {
  client_.answer(200, "application/json", {kList});
  EXPECT_FALSE(look().has_models);
  settings_.discover = true;
  client_.answer(200, "application/json", {kList});
  const HealthLook found = look();
  ASSERT_TRUE(found.has_models);
  EXPECT_THAT(found.models, ElementsAre("b", "a/c"));
}

TEST_F(HealthCheck, AsksForModelsWhenTheHealthPathIsAnother) {
  settings_.health_path = "/health";
  settings_.discover = true;
  client_.answer(200, "text/plain", {"fine"});
  client_.answer(200, "application/json", {kList});
  EXPECT_THAT(look().models, ElementsAre("b", "a/c"));
  EXPECT_EQ(client_.requests[1].url.target, "/v1/models");
}

TEST_F(HealthCheck, AnAnswerThatIsCutIsNotWell) {
  settings_.discover = true;
  client_.answer(200, "application/json", {"{\"data\":["},
                 upstreamError(ErrorCode::UpstreamStreamTruncated, "cut", "the answer was cut"));
  const HealthLook found = look();
  EXPECT_EQ(found.error, "the answer was cut");
  EXPECT_FALSE(found.has_models);
}

TEST(ReadModelList, TakesWhatCanBeAnIdOnce) {
  std::string error;
  const std::string body =
      R"({"data":[{"id":"x"},{"id":"x"},{"id":"has space"},{"id":5},"y",{"name":"z"},{"id":""},{"id":"w:1"}]})";
  EXPECT_THAT(readModelList(body, "lm", error), ElementsAre("x", "w:1"));
  EXPECT_EQ(error, "");
}

TEST(ReadModelList, SaysWhatIsNoList) {
  for (const char* body : {"", "x", "[]", "{}", R"({"data":{}})", R"({"data":null})", "<html>"}) {
    std::string error;
    EXPECT_TRUE(readModelList(body, "lm", error).empty());
    EXPECT_THAT(error, HasSubstr("list of models")) << body;
  }
}

}  // namespace
}  // namespace agw::upstream
