// What the acceptor, the connections and the HttpServer object share. Owned by all of them, so that
// connections that are still unwinding may outlive the HttpServer object.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <unordered_set>
#include <vector>

#include "io/http_server.h"

namespace agw::io {

class ServerConnection;

// One thread of the server. The counters are read by the acceptor's thread.
struct WorkerState {
  explicit WorkerState(ServerWorker worker) : context(worker.context), handler(worker.handler) {}

  net::io_context& context;
  RequestHandler& handler;
  std::atomic<std::size_t> open_requests{0};
  std::atomic<std::size_t> connections{0};           // handed over and not yet closed
  std::unordered_set<ServerConnection*> registered;  // used on this worker's thread only
};

struct ServerState {
  ServerState(ServerOptions o, const std::vector<ServerWorker>& w, telemetry::Log& l)
      : options(std::move(o)), log(l) {
    for (const ServerWorker& worker : w) workers.push_back(std::make_unique<WorkerState>(worker));
  }

  std::size_t totalConnections() const {
    std::size_t sum = 0;
    for (const auto& worker : workers) sum += worker->connections.load();
    return sum;
  }

  const ServerOptions options;
  telemetry::Log& log;
  std::vector<std::unique_ptr<WorkerState>> workers;
  std::atomic<bool> draining{false};
  // The acceptor, or drain(), waits for a connection to close: whoever closes one posts `on_close`
  // to worker 0.
  std::atomic<bool> close_awaited{false};
  std::function<void()> on_close;  // set before the first connection, called on worker 0's thread
};

}  // namespace agw::io
