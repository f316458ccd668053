#include "config/readers.h"
#include "config/values.h"

namespace agw::config {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

void readMetricsListen(MapReader& server, std::string& address) {
  server.text("metrics_listen", address);
  if (address.empty()) return;
  const std::string fault = checkListenAddress(address);
  if (!fault.empty()) server.fault("metrics_listen", fault);
}

}  // namespace

void readServer(MapReader& top, Settings& settings) {
  ReadContext& context = top.context();
  if (const Node* const node = top.map("server")) {
    MapReader server(*node, "server", kServerSection, context);
    server.text("listen", settings.server.listen);
    const std::string fault = checkListenAddress(settings.server.listen);
    if (!fault.empty()) server.fault("listen", fault);
    server.integer("threads", settings.server.threads, 0, kMaxThreads);
    server.path("edge_secret_file", settings.server.edge_secret_file);
    server.duration("drain_timeout", settings.server.drain_timeout, 0ms, 1h);
    server.duration("keep_alive_interval", settings.server.keep_alive_interval, 50ms, 10min);
    server.flag("watch", settings.server.watch);
    server.duration("watch_delay", settings.server.watch_delay, 10ms, 1min);
    server.integer("max_open_requests", settings.server.max_open_requests, 1, 1'000'000);
    server.size("max_request_memory", settings.server.max_request_memory, kMiB, 65536 * kMiB);
    readMetricsListen(server, settings.server.metrics_listen);
    settings.server.hidden = server.hiddenKeys();
  }
  if (const Node* const node = top.map("log")) {
    MapReader log(*node, "log", kLogSection, context);
    log.path("file", settings.log.file);
    if (auto level = log.choice("level", kLogLevels)) settings.log.level = *level;
    settings.log.hidden = log.hiddenKeys();
  }
}

}  // namespace agw::config
