#include "api/models.h"

#include <boost/url/pct_string_view.hpp>
#include <utility>

#include "base/json_reader.h"
#include "shared/model_id.h"

namespace agw::api {
namespace {

Json describe(const agent::ModelEntry& entry, std::int64_t created) {
  const std::string_view id = entry.id;
  Json model = {{"id", shortestModelId(id)},
                {"object", "model"},
                {"created", created},
                {"owned_by", entry.agent != nullptr ? "agent-gateway" : entry.upstream}};
  // The agent's own first: what the gateway says of it wins.
  Json metadata = Json::object();
  if (entry.agent != nullptr && !entry.agent->metadata_json.empty()) {
    metadata = parseJson(entry.agent->metadata_json).value();
  }
  metadata["namespace"] = id.substr(0, id.find('/'));
  metadata["kind"] = entry.agent != nullptr ? "agent" : "model";
  if (entry.agent != nullptr) {
    const config::AgentSettings& agent = *entry.agent;
    if (!agent.description.empty()) model["description"] = agent.description;
    if (!agent.display_name.empty()) metadata["display_name"] = agent.display_name;
    metadata["status"] = agent.error.empty() ? "ok" : "error";
    if (!agent.error.empty()) metadata["error"] = agent.error;
  }
  model["metadata"] = std::move(metadata);
  return model;
}

net::awaitable<Result<void>> sendJson(RequestContext& context, std::string body) {
  io::HttpHeaders headers = context.baseHeaders();
  headers.push_back({"Content-Type", "application/json"});
  co_return co_await context.response.send(200, std::move(headers), std::move(body));
}

Error notFound(std::string_view id) {
  return clientError(ErrorCode::ModelNotFound,
                     "The model \"" + std::string(id.substr(0, kMaxModelId)) +
                         "\" does not exist or this key may not use it.",
                     "model");
}

}  // namespace

net::awaitable<Result<void>> listModels(RequestContext& context, const ThreadParts& parts) {
  Json data = Json::array();
  for (const agent::ModelEntry& entry : parts.configuration->directory.all()) {
    if (context.identity.mayUse(entry.id)) {
      data.push_back(describe(entry, parts.service.started_unix));
    }
  }
  return sendJson(context, dumpJson({{"object", "list"}, {"data", std::move(data)}}));
}

net::awaitable<Result<void>> getModel(RequestContext& context, const ThreadParts& parts) {
  constexpr std::string_view kPrefix = "/v1/models/";
  const auto encoded = boost::urls::make_pct_string_view(context.path.substr(kPrefix.size()));
  if (!encoded) co_return notFound(context.path.substr(kPrefix.size()));
  const std::string id = encoded->decode();
  const auto canonical = canonicalModelId(id);
  if (!canonical) co_return notFound(id);
  const agent::ModelEntry* entry = parts.configuration->directory.find(canonical->view());
  if (entry == nullptr || !context.identity.mayUse(canonical->view())) co_return notFound(id);
  co_return co_await sendJson(context, dumpJson(describe(*entry, parts.service.started_unix)));
}

}  // namespace agw::api
