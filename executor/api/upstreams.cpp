#include "api/upstreams.h"

#include <map>
#include <memory>
#include <utility>

#include "api/admin_json.h"
#include "api/executor_name.h"

namespace agw::api {
namespace {

// Without its query, which may hold a secret.
std::string shownUrl(const Url& url) {
  return (url.tls ? "https://" : "http://") + url.authority() +
         url.target.substr(0, url.target.find('?'));
}

std::string_view breakerName(upstream::BreakerState state) {
  switch (state) {
    case upstream::BreakerState::Closed:
      return "closed";
    case upstream::BreakerState::Open:
      return "open";
    case upstream::BreakerState::HalfOpen:
      break;
  }
  return "half_open";
}

Json describe(const config::UpstreamSettings& upstream, const upstream::Health& health,
              const upstream::UpstreamState& state, std::size_t plain_models) {
  const auto load = state.limit().load();
  return {{"name", upstream.name},
          {"provider", upstream.hidden.contains("provider") ? "***" : upstream.provider},
          {"priority", upstream.priority},
          {"weight", upstream.weight},
          {"base_url", upstream.hidden.contains("base_url") ? "***" : shownUrl(upstream.base_url)},
          {"healthy", health.is_known ? Json(health.is_well) : Json(nullptr)},
          {"health_path", upstream.health_path},
          {"health_timeout", secondsOf(upstream.health_timeout)},
          {"last_checked", unixSeconds(health.checked_at)},
          {"last_error", health.error.empty() ? Json(nullptr) : Json(health.error)},
          {"breaker", breakerName(state.breaker(Clock::now()))},
          {"in_flight", load.in_flight},
          {"queued", load.queued},
          {"max_concurrent", upstream.max_concurrent},
          {"discover", upstream.discover},
          {"models", plain_models}};
}

net::awaitable<Result<void>> sendUpstreams(RequestContext& context,
                                           const Configuration& configuration,
                                           const Service& service) {
  std::map<std::string, std::size_t> models;
  for (const agent::ModelEntry& entry : configuration.directory.all()) {
    if (entry.agent == nullptr && entry.alias_of.empty()) ++models[entry.upstream];
  }
  std::map<std::string, upstream::Health> health = service.health->all();
  const auto states = service.upstreams.all();
  Json list = Json::array();
  for (const auto& [name, upstream] : configuration.settings->upstreams) {
    const auto state = states.find(name);
    if (state == states.end()) continue;  // it was taken away meanwhile
    list.push_back(describe(upstream, health[name], *state->second, models[name]));
  }
  return sendAdminJson(context, dumpJson(list));
}

}  // namespace

net::awaitable<Result<void>> listUpstreams(RequestContext& context, const ThreadParts& parts) {
  return sendUpstreams(context, *parts.configuration, parts.service);
}

net::awaitable<Result<void>> refreshUpstreams(RequestContext& context, const ThreadParts& parts) {
  co_await parts.service.health->checkNow();
  // What the looks found is served by now, but not from what this request began with.
  std::shared_ptr<const Configuration> current;
  const ThreadControl::Job job = [&current](const ThreadParts& its,
                                            std::size_t thread) -> net::awaitable<void> {
    if (thread == 0) current = its.configuration;
    co_return;
  };
  co_await parts.service.threads->onEach(job);
  co_return co_await sendUpstreams(context, *current, parts.service);
}

}  // namespace agw::api
