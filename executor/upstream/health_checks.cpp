#include "upstream/health_checks.h"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <random>
#include <utility>

#include "base/parallel.h"
#include "upstream/health_check.h"

namespace agw::upstream {
namespace {

// So that many executors that were started together do not look together for ever.
constexpr double kJitter = 0.1;
constexpr std::size_t kAtOnce = 16;
// A look ends by its own deadlines; this is added for the limit that cancels one which missed them.
constexpr Millis kTaskSlack{1000};

std::int64_t unixMillis() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<Millis>(system_clock::now().time_since_epoch()).count();
}

Clock::duration jittered(Millis span) {
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_real_distribution<double> factor(1 - kJitter, 1 + kJitter);
  const auto exact = std::chrono::duration<double>(span) * factor(random);
  return std::chrono::duration_cast<Clock::duration>(exact);
}

}  // namespace

// One upstream as it was described when it was last put into use.
class HealthChecks::Watched {
 public:
  Watched(net::io_context& context, config::UpstreamSettings described,
          std::shared_ptr<UpstreamState> its_state, std::shared_ptr<io::HttpClient> its_client)
      : settings(std::move(described)),
        state(std::move(its_state)),
        client(std::move(its_client)),
        timer(context) {}

  void stop() {
    is_stopped = true;
    timer.cancel();
  }

  const config::UpstreamSettings settings;
  const std::shared_ptr<UpstreamState> state;
  const std::shared_ptr<io::HttpClient> client;
  net::steady_timer timer;
  bool is_stopped = false;
  Health health;
  std::vector<std::string> models;
};

HealthChecks::HealthChecks(net::io_context& context, telemetry::Log& log, SharedState& states,
                           std::function<void()> changed)
    : context_(context),
      log_(log),
      states_(states),
      changed_(std::move(changed)),
      tasks_(context, [this](std::string_view what) {
        log_.write(telemetry::Level::Error, "handler_failed", {{"detail", what}});
      }) {}

HealthChecks::~HealthChecks() = default;

void HealthChecks::use(const config::Settings& settings) {
  std::map<std::string, std::shared_ptr<Watched>> next;
  std::map<std::string, std::shared_ptr<io::HttpClient>> clients;  // by ca_pem
  std::vector<std::shared_ptr<Watched>> fresh;
  for (const auto& [name, upstream] : settings.upstreams) {
    const auto known = watched_.find(name);
    if (known != watched_.end() && known->second->settings == upstream) {
      clients.emplace(upstream.ca_pem, known->second->client);
      next.insert(watched_.extract(known));
    }
  }
  for (const auto& [name, upstream] : settings.upstreams) {
    if (next.contains(name)) continue;
    auto& client = clients[upstream.ca_pem];
    if (!client) {
      client = io::makeHttpClient(context_, {.ca_pem = upstream.ca_pem, .names = states_.names()});
    }
    auto watched = std::make_shared<Watched>(context_, upstream, states_.of(upstream), client);
    // What it listed before it was described anew goes on until it says something else.
    if (const auto before = watched_.find(name); before != watched_.end() && upstream.discover) {
      watched->models = before->second->models;
    }
    fresh.push_back(next[name] = std::move(watched));
  }
  for (const auto& [name, gone] : watched_) gone->stop();
  watched_ = std::move(next);
  {
    const std::lock_guard lock(mutex_);
    health_.clear();
    for (const auto& [name, watched] : watched_) health_[name] = watched->health;
  }
  for (const auto& watched : fresh) startLook(watched);
}

void HealthChecks::startLook(const std::shared_ptr<Watched>& upstream) {
  tasks_.start(lookAndGoOn(upstream), upstream->settings.health_timeout * 2 + kTaskSlack);
}

net::awaitable<void> HealthChecks::lookAndGoOn(std::shared_ptr<Watched> upstream) {
  co_await look(upstream);
  if (upstream->is_stopped) co_return;
  upstream->timer.expires_after(jittered(upstream->settings.health_interval));
  upstream->timer.async_wait([this, upstream](const boost::system::error_code& error) {
    if (!error && !upstream->is_stopped) startLook(upstream);
  });
}

net::awaitable<void> HealthChecks::look(std::shared_ptr<Watched> upstream) {
  HealthLook found = co_await checkHealth(*upstream->client, upstream->settings);
  if (upstream->is_stopped) co_return;
  const Health before = std::exchange(
      upstream->health, {true, found.error.empty(), unixMillis(), std::move(found.error)});
  const Health& now = upstream->health;
  upstream->state->noteHealth(now.is_well);
  const std::string& name = upstream->settings.name;
  {
    const std::lock_guard lock(mutex_);
    health_[name] = now;
  }
  if (!now.is_well && (before.is_well || !before.is_known)) {
    log_.write(telemetry::Level::Warn, "upstream_unhealthy",
               {{"upstream", name}, {"detail", now.error}});
  } else if (now.is_well && !before.is_well) {
    log_.write(telemetry::Level::Info, "upstream_healthy", {{"upstream", name}});
  }
  if (!found.has_models || found.models == upstream->models) co_return;
  upstream->models = std::move(found.models);
  log_.write(telemetry::Level::Info, "upstream_models",
             {{"upstream", name}, {"models", upstream->models.size()}});
  changed_();
}

DiscoveredModels HealthChecks::models() const {
  DiscoveredModels all;
  for (const auto& [name, upstream] : watched_) {
    if (!upstream->models.empty()) all[name] = upstream->models;
  }
  return all;
}

void HealthChecks::stop() {
  for (const auto& [name, upstream] : watched_) upstream->stop();
  tasks_.cancelAll();
  watched_.clear();  // with the last look that runs its client goes, and with that what is open
}

std::map<std::string, Health> HealthChecks::all() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

net::awaitable<void> HealthChecks::checkNow() {
  // The asker may leave at any time, on its own thread: looks that have begun are not its to end.
  co_await net::co_spawn(context_, lookAtAll(),
                         net::bind_cancellation_slot(net::cancellation_slot(), net::use_awaitable));
}

net::awaitable<void> HealthChecks::lookAtAll() {
  std::vector<std::shared_ptr<Watched>> all;
  for (const auto& [name, upstream] : watched_) all.push_back(upstream);
  const std::function<net::awaitable<void>(std::size_t)> job = [this, &all](std::size_t i) {
    return look(all[i]);
  };
  co_await forEachParallel(all.size(), kAtOnce, job);
}

}  // namespace agw::upstream
