#include "io/http_server.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <stdexcept>

#include "io/coro.h"
#include "io/server_acceptor.h"
#include "io/server_connection.h"

namespace agw::io {
namespace {

// How long after its deadline a drain waits for the handlers that it has cancelled.
constexpr Millis kUnwind{1000};

class Server final : public HttpServer {
 public:
  Server(ServerOptions options, std::vector<ServerWorker> workers, telemetry::Log& log)
      : state_(std::make_shared<ServerState>(std::move(options), workers, log)),
        acceptor_(std::make_shared<ServerAcceptor>(state_)),
        closed_(state_->workers.front()->context) {
    state_->on_close = [this] {
      acceptor_->resume();
      closed_.cancel();
    };
    acceptor_->start();
  }

  // The workers' threads have stopped, or never ran.
  ~Server() override {
    state_->close_awaited = false;
    state_->on_close = nullptr;
    acceptor_->unlinkPath();
  }

  net::awaitable<void> drain(Deadline deadline) override {
    // First: whatever is answered from here on says "Connection: close".
    state_->draining = true;
    acceptor_->unlinkPath();
    co_await acceptor_->drainQueue(deadline);
    co_await waitUntilEmpty(deadline);
    for (const auto& worker : state_->workers) {
      net::post(worker->context, [state = state_, &worker = *worker] { abortAll(worker); });
    }
    co_await waitUntilEmpty(Deadline::in(kUnwind));
  }

  std::size_t openRequests() const override {
    std::size_t sum = 0;
    for (const auto& worker : state_->workers) sum += worker->open_requests.load();
    return sum;
  }

  std::string address() const override { return acceptor_->address(); }

 private:
  static void abortAll(const WorkerState& worker) {
    // Aborting ends connections later, not here; still, the set is not walked while anything may
    // change it.
    const std::vector<ServerConnection*> open(worker.registered.begin(), worker.registered.end());
    for (ServerConnection* connection : open) connection->abort();
  }

  net::awaitable<void> waitUntilEmpty(Deadline deadline) {
    while (!deadline.expired()) {
      state_->close_awaited = true;
      if (state_->totalConnections() == 0) break;
      closed_.expires_at(deadline.at);
      co_await closed_.async_wait(kAsTuple);
    }
    state_->close_awaited = false;
  }

  std::shared_ptr<ServerState> state_;
  std::shared_ptr<ServerAcceptor> acceptor_;
  net::steady_timer closed_;
};

}  // namespace

std::unique_ptr<HttpServer> makeHttpServer(ServerOptions options, std::vector<ServerWorker> workers,
                                           telemetry::Log& log) {
  if (workers.empty()) throw std::invalid_argument("an HTTP server needs a worker");
  return std::make_unique<Server>(std::move(options), std::move(workers), log);
}

}  // namespace agw::io
