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

#include "api/snapshot.h"
#include "base/heap.h"
#include "io/http_server.h"
#include "reloading.h"
#include "worker.h"

namespace agw {
namespace {

namespace net = boost::asio;

// How often the heap is looked at, and how much that is free in it is given back.
constexpr std::chrono::seconds kHeapPeriod{5};
constexpr std::size_t kFreeHeap = 4 << 20;

// How long the threads may take to run out of work once the server is drained.
constexpr Millis kThreadExit{3000};

using Workers = std::vector<std::unique_ptr<Worker>>;

void logStart(const AppInput& input, const io::HttpServer& server, std::size_t threads,
              telemetry::Log& log) {
  for (const config::Problem& warning : input.config.warnings) {
    log.write(telemetry::Level::Warn, "config_warning", {{"problem", formatProblem(warning)}});
  }
  log.write(telemetry::Level::Info, "started",
            {{"address", server.address()},
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

void useEverywhere(Workers& workers, const std::shared_ptr<const api::Configuration>& next) {
  std::vector<std::future<void>> done;
  for (auto& worker : workers) done.push_back(worker->use(next));
  for (auto& one : done) one.wait();
}

// Something did not end: its memory cannot be taken from under it, so the process goes as a whole.
[[noreturn]] void leaveAtOnce(std::string_view event, telemetry::Log& log) {
  log.write(telemetry::Level::Error, event, {});
  log.flush();
  std::quick_exit(EXIT_FAILURE);
}

void endThreads(Workers& workers, telemetry::Log& log) {
  for (auto& worker : workers) worker->finish();
  const Deadline deadline = Deadline::in(kThreadExit);
  for (auto& worker : workers) {
    if (!worker->endedBy(deadline)) leaveAtOnce("thread_did_not_end", log);
  }
  for (auto& worker : workers) worker->join();
}

}  // namespace

int runApp(AppInput input, telemetry::Log& log) {
  std::signal(SIGPIPE, SIG_IGN);
  const config::ServerSettings server_settings = input.config.settings.server;
  auto first = std::make_shared<const config::Settings>(input.config.settings);
  api::Service service{input.edge_secrets, log, std::time(nullptr), {}, nullptr};

  const auto configuration = std::make_shared<const api::Configuration>(first, 1);
  Workers workers;
  std::vector<io::ServerWorker> server_workers;
  for (unsigned i = 0; i < threadCount(server_settings); ++i) {
    workers.push_back(std::make_unique<Worker>(service, configuration));
    server_workers.push_back({workers.back()->context(), workers.back()->pipeline()});
  }
  io::ServerOptions options;
  options.listen = server_settings.listen;
  auto server = io::makeHttpServer(options, std::move(server_workers), log);

  config::Reloader reloader(
      first, input.config, input.load,
      [&workers](std::shared_ptr<const config::Settings> settings, std::uint64_t generation) {
        useEverywhere(workers, std::make_shared<const api::Configuration>(settings, generation));
      },
      log);
  Reloading reloading(reloader, true);
  service.reload = &reloading;

  net::signal_set signals(workers.front()->context(), SIGTERM, SIGINT);
  std::promise<void> drained;
  net::steady_timer heap_timer(workers.front()->context());
  net::co_spawn(workers.front()->context(), keepHeapSmall(heap_timer, service), net::detached);
  net::co_spawn(workers.front()->context(),
                drainOnSignal(signals, heap_timer, service, reloader, *server, log),
                [&drained](std::exception_ptr) { drained.set_value(); });

  for (auto& worker : workers) worker->start();
  logStart(input, *server, workers.size(), log);
  drained.get_future().wait();
  reloading.stop();
  if (server->openRequests() > 0) leaveAtOnce("request_did_not_end", log);
  endThreads(workers, log);
  server.reset();
  log.write(telemetry::Level::Info, "stopped", {});
  log.flush();
  return EXIT_SUCCESS;
}

}  // namespace agw
