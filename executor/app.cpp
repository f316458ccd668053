#include "app.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <future>
#include <memory>
#include <thread>
#include <utility>

#include "api/metrics_listener.h"
#include "api/snapshot.h"
#include "background.h"
#include "base/heap.h"
#include "in_use.h"
#include "io/http_server.h"
#include "reloading.h"
#include "threads.h"
#include "upstream/health_checks.h"

namespace agw {
namespace {

namespace net = boost::asio;

// How often the heap is looked at, and how much that is free in it is given back.
constexpr std::chrono::seconds kHeapPeriod{5};
constexpr std::size_t kFreeHeap = 4 << 20;

// How long the threads may take to run out of work once the server is drained.
constexpr Millis kThreadExit{3000};

// Scrapers keep their connections open: they are closed after so long.
constexpr Millis kMetricsDrain{100};
constexpr std::size_t kMetricsConnections = 64;

void logStart(const AppInput& input, const io::HttpServer& server,
              const io::HttpServer* metrics_server, std::size_t threads, telemetry::Log& log) {
  for (const config::Problem& warning : input.config.warnings) {
    log.write(telemetry::Level::Warn, "config_warning", {{"problem", formatProblem(warning)}});
  }
  log.write(telemetry::Level::Info, "started",
            {{"address", server.address()},
             {"metrics_address", metrics_server != nullptr ? metrics_server->address() : ""},
             {"threads", threads},
             {"agents", input.config.settings.agents.size()},
             {"version", AGW_VERSION}});
}

// Until the timer is cancelled, at the end of the drain.
net::awaitable<void> keepHeapSmall(net::steady_timer& timer, const api::Service& service) {
  for (;;) {
    timer.expires_after(kHeapPeriod);
    const auto [cancelled] = co_await timer.async_wait(net::as_tuple(net::use_awaitable));
    if (cancelled || service.draining) co_return;
    giveBackFreeMemory(kFreeHeap);
  }
}

net::awaitable<void> drainOnSignal(net::signal_set& signals, net::steady_timer& heap_timer,
                                   api::Service& service, const config::Reloader& reloader,
                                   io::HttpServer& server, telemetry::Log& log) {
  const int signal = co_await signals.async_wait(net::use_awaitable);
  log.write(telemetry::Level::Info, "drain_started",
            {{"signal", signal}, {"open_requests", server.openRequests()}});
  service.draining.store(true);
  // A second signal does not wait.
  signals.async_wait([&log](const boost::system::error_code& error, int) {
    if (error) return;
    log.write(telemetry::Level::Warn, "killed_in_drain", {});
    log.flush();
    std::quick_exit(EXIT_FAILURE);
  });
  co_await server.drain(Deadline::in(reloader.settings()->server.drain_timeout));
  signals.cancel();
  heap_timer.cancel();
}

unsigned threadCount(const config::ServerSettings& server) {
  return server.threads != 0 ? server.threads : std::max(1U, std::thread::hardware_concurrency());
}

// nullptr: not wanted. On the thread that serves no requests: they are never waited for.
std::unique_ptr<io::HttpServer> listenForMetrics(const config::ServerSettings& settings,
                                                 Background& background,
                                                 api::MetricsListener& handler,
                                                 telemetry::Log& log) {
  if (settings.metrics_listen.empty()) return nullptr;
  io::ServerOptions options;
  options.listen = settings.metrics_listen;
  options.max_connections = kMetricsConnections;
  return io::makeHttpServer(options, {{background.context(), handler}}, log);
}

// Something did not end: its memory cannot be taken from under it, so the process goes as a whole.
[[noreturn]] void leaveAtOnce(std::string_view event, telemetry::Log& log) {
  log.write(telemetry::Level::Error, event, {});
  log.flush();
  std::quick_exit(EXIT_FAILURE);
}

void endThreads(Threads& threads, telemetry::Log& log) {
  for (auto& worker : threads.workers()) worker->finish();
  const Deadline deadline = Deadline::in(kThreadExit);
  for (auto& worker : threads.workers()) {
    if (!worker->endedBy(deadline)) leaveAtOnce("thread_did_not_end", log);
  }
  for (auto& worker : threads.workers()) worker->join();
}

std::unique_ptr<io::HttpServer> listen(const config::ServerSettings& settings, Threads& threads,
                                       telemetry::Log& log) {
  io::ServerOptions options;
  options.listen = settings.listen;
  options.body_memory = std::make_shared<MemoryBudget>(settings.max_request_memory);
  std::vector<io::ServerWorker> workers;
  for (auto& worker : threads.workers()) {
    workers.push_back({worker->context(), worker->pipeline()});
  }
  return io::makeHttpServer(options, std::move(workers), log);
}

}  // namespace

int runApp(AppInput input, telemetry::Log& log) {
  std::signal(SIGPIPE, SIG_IGN);
  const config::ServerSettings server_settings = input.config.settings.server;
  auto first = std::make_shared<const config::Settings>(input.config.settings);
  api::Service service{input.edge_secrets, log, std::time(nullptr)};
  service.max_open_requests = server_settings.max_open_requests;

  Background background;
  InUse in_use(service, first);
  Threads threads(service, in_use.current(), threadCount(server_settings));
  upstream::HealthChecks health(background.context(), log, service.upstreams,
                                [&] { threads.use(in_use.discovered(health.models())); });
  config::Reloader reloader(
      first, input.config, input.load,
      [&](std::shared_ptr<const config::Settings> settings, std::uint64_t generation) {
        health.use(*settings);
        threads.use(in_use.loaded(std::move(settings), generation, health.models()));
      },
      log);
  reloader.onRefused([&](const std::vector<std::string>& problems) { in_use.refused(problems); });
  Reloading reloading(background.context(), reloader);
  service.reload = &reloading;
  service.threads = &threads;
  service.health = &health;

  auto server = listen(server_settings, threads, log);
  api::MetricsListener metrics_handler(service);
  auto metrics_server = listenForMetrics(server_settings, background, metrics_handler, log);

  net::io_context& first_context = threads.workers().front()->context();
  net::signal_set signals(first_context, SIGTERM, SIGINT);
  std::promise<void> drained;
  net::steady_timer heap_timer(first_context);
  net::co_spawn(first_context, keepHeapSmall(heap_timer, service), net::detached);
  net::co_spawn(first_context, drainOnSignal(signals, heap_timer, service, reloader, *server, log),
                [&drained](std::exception_ptr) { drained.set_value(); });

  for (auto& worker : threads.workers()) worker->start();
  health.use(*first);
  background.start();
  logStart(input, *server, metrics_server.get(), threads.count(), log);
  drained.get_future().wait();
  background.stop([&] {
    reloading.stop();
    health.stop();
    if (metrics_server) {
      net::co_spawn(background.context(), metrics_server->drain(Deadline::in(kMetricsDrain)),
                    net::detached);
    }
  });
  if (server->openRequests() > 0) leaveAtOnce("request_did_not_end", log);
  endThreads(threads, log);
  metrics_server.reset();
  server.reset();
  log.write(telemetry::Level::Info, "stopped", {});
  log.flush();
  return EXIT_SUCCESS;
}

}  // namespace agw
