#include "io/server_acceptor.h"

#include <fcntl.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>
#include <cerrno>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <tuple>

#include "io/coro.h"
#include "io/server_connection.h"

namespace agw::io {
namespace {

// Pause after accept() failed for want of descriptors or memory.
constexpr Millis kNoResourcesPause{100};

int duplicate(int fd) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0)
    throw std::system_error(errno, std::generic_category(), "cannot duplicate the listener");
  return copy;
}

}  // namespace

ServerAcceptor::ServerAcceptor(std::shared_ptr<ServerState> state)
    : state_(std::move(state)),
      listen_(state_->options.listen, state_->options.socket_mode),
      readiness_(state_->workers.front()->context, duplicate(listen_.fd())),
      pause_(state_->workers.front()->context) {}

void ServerAcceptor::start() {
  auto ended = [state = state_](std::exception_ptr failure) {
    if (failure) state->log.write(telemetry::Level::Error, "acceptor_failed", {});
  };
  net::co_spawn(state_->workers.front()->context, run(shared_from_this()), std::move(ended));
}

net::awaitable<void> ServerAcceptor::run(std::shared_ptr<ServerAcceptor> self) {
  while (!self->stopped_) {
    switch (self->acceptQueued(Limit::Connections)) {
      case Queue::Empty: {
        const auto [error] =
            co_await self->readiness_.async_wait(net::posix::descriptor_base::wait_read, kAsTuple);
        if (error && !self->stopped_) co_await self->pause(Deadline::in(kNoResourcesPause));
        break;
      }
      case Queue::NoRoom:
        co_await self->pause(Deadline::never());
        break;
      case Queue::NoResources:
        co_await self->pause(Deadline::in(kNoResourcesPause));
        break;
    }
  }
}

net::awaitable<void> ServerAcceptor::drainQueue(Deadline deadline) {
  stopped_ = true;
  while (acceptQueued(Limit::None) == Queue::NoResources && !deadline.expired()) {
    co_await pause(Deadline::in(kNoResourcesPause));
  }
  // From here on a connect is refused; before, it was queued and has been taken.
  boost::system::error_code ignored;
  readiness_.close(ignored);
  listen_.close();
  pause_.cancel();
}

ServerAcceptor::Queue ServerAcceptor::acceptQueued(Limit limit) {
  for (;;) {
    if (limit == Limit::Connections && full()) return Queue::NoRoom;
    UniqueFd fd = listen_.accept();
    if (fd) {
      handOver(std::move(fd));
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return Queue::Empty;
    state_->log.write(telemetry::Level::Error, "accept_failed",
                      {{"address", address()}, {"error", std::generic_category().message(errno)}});
    return Queue::NoResources;
  }
}

bool ServerAcceptor::full() {
  if (state_->totalConnections() < state_->options.max_connections) return false;
  state_->close_awaited = true;
  // A connection may have been closed between the two lines above, with nobody to tell.
  if (state_->totalConnections() >= state_->options.max_connections) return true;
  state_->close_awaited = false;
  return false;
}

void ServerAcceptor::handOver(UniqueFd fd) {
  const auto load = [](const WorkerState& worker) {
    return std::tuple(worker.open_requests.load(), worker.connections.load());
  };
  WorkerState* chosen = state_->workers.front().get();
  for (const auto& worker : state_->workers) {
    if (load(*worker) < load(*chosen)) chosen = worker.get();
  }
  chosen->connections.fetch_add(1);
  auto start = [state = state_, chosen, fd = std::move(fd)]() mutable {
    ServerConnection::start(std::move(state), *chosen, std::move(fd));
  };
  net::dispatch(chosen->context, std::move(start));
}

net::awaitable<void> ServerAcceptor::pause(Deadline deadline) {
  pause_.expires_at(deadline.at);
  co_await pause_.async_wait(kAsTuple);
}

}  // namespace agw::io
