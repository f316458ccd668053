#include "upstream/health_check.h"

#include <set>
#include <utility>

#include "base/json_reader.h"
#include "shared/model_id.h"
#include "upstream/credential.h"

namespace agw::upstream {
namespace {

constexpr std::string_view kModelsPath = "/models";
constexpr std::size_t kMaxModelList = 4 << 20;
constexpr std::size_t kMaxModels = 10000;

// Enough of an error to act on; the body of a refusal may say anything.
std::string statusError(int status) {
  std::string text = "answered with status " + std::to_string(status);
  if (status == 401 || status == 403) text += ": it refuses the credential";
  return text;
}

io::HttpRequest makeRequest(const config::UpstreamSettings& settings, std::string_view path) {
  io::HttpRequest request;
  request.method = "GET";
  request.url = withPath(settings.base_url, path);
  request.headers = credentialHeaders(settings);
  request.headers.push_back({"Accept", "application/json"});
  return request;
}

struct Answer {
  std::string error;
  std::string body;
};

net::awaitable<Answer> ask(io::HttpClient& client, const config::UpstreamSettings& settings,
                           std::string path) {
  const io::HttpTimeouts timeouts{settings.connect_timeout, settings.health_timeout,
                                  settings.health_timeout, Deadline::in(settings.health_timeout)};
  io::HttpRequest request = makeRequest(settings, path);
  auto response = co_await client.send(std::move(request), timeouts);
  if (!response) co_return Answer{response.error().detail, {}};
  const int status = (*response)->status();
  const bool is_well =
      (status >= 200 && status < 300) || (status == 404 && settings.health_allow_404);
  if (!is_well) co_return Answer{statusError(status), {}};
  Result<std::string> body = co_await io::readAll(**response, kMaxModelList);
  if (!body) co_return Answer{body.error().detail, {}};
  co_return Answer{{}, std::move(*body)};
}

}  // namespace

std::vector<std::string> readModelList(const std::string& body, const std::string& upstream,
                                       std::string& error) {
  const Result<Json> list = parseJson(body);
  const auto data = list && list->is_object() ? list->find("data") : Json::const_iterator();
  if (!list || !list->is_object() || data == list->end() || !data->is_array()) {
    error = "its list of models is not {\"data\":[…]}";
    return {};
  }
  std::vector<std::string> models;
  std::set<std::string> seen;
  for (const Json& entry : *data) {
    if (models.size() == kMaxModels) break;
    const auto id = entry.is_object() ? entry.find("id") : entry.end();
    if (!entry.is_object() || id == entry.end() || !id->is_string()) continue;
    std::string name = id->get<std::string>();
    if (!canonicalModelId(upstream + '/' + name) || !seen.insert(name).second) continue;
    models.push_back(std::move(name));
  }
  return models;
}

net::awaitable<HealthLook> checkHealth(io::HttpClient& client,
                                       const config::UpstreamSettings& settings) {
  HealthLook look;
  Answer answer = co_await ask(client, settings, settings.health_path);
  look.error = std::move(answer.error);
  if (!look.error.empty() || !settings.discover) co_return look;
  if (settings.health_path != kModelsPath) {
    answer = co_await ask(client, settings, std::string(kModelsPath));
    look.error = std::move(answer.error);
    if (!look.error.empty()) co_return look;
  }
  look.models = readModelList(answer.body, settings.name, look.error);
  look.has_models = look.error.empty();
  co_return look;
}

}  // namespace agw::upstream
