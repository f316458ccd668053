#include "server.h"

#include <csignal>
#include <exception>
#include <iostream>
#include <thread>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace scripted_llm {
namespace {

namespace net = boost::asio;
constexpr auto kAsTuple = net::as_tuple(net::use_awaitable);
constexpr int kBacklog = 4096;
constexpr std::chrono::milliseconds kAcceptRetry{20};

std::vector<std::unique_ptr<net::io_context>> makeContexts(unsigned count) {
  std::vector<std::unique_ptr<net::io_context>> contexts;
  for (unsigned i = 0; i < count; ++i) contexts.push_back(std::make_unique<net::io_context>(1));
  return contexts;
}

// An exception is a bug, or a regular expression of the script that is too complex for the text.
void reportConnection(std::exception_ptr failure) {
  if (!failure) return;
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    std::cerr << "scripted_llm: connection: " << error.what() << std::endl;
  }
}

}  // namespace

Server::Server(const ServerOptions& options, Service& service)
    : options_(options),
      service_(service),
      contexts_(makeContexts(options.threads)),
      acceptor_(*contexts_.front()) {
  const net::ip::tcp::endpoint endpoint(net::ip::make_address(options.address), options.port);
  acceptor_.open(endpoint.protocol());
  acceptor_.set_option(net::socket_base::reuse_address(true));
  acceptor_.bind(endpoint);
  acceptor_.listen(kBacklog);
}

net::awaitable<void> Server::accept() {
  net::steady_timer timer(acceptor_.get_executor());
  for (std::uint64_t number = 1;; ++number) {
    net::io_context& context = *contexts_[number % contexts_.size()];
    net::ip::tcp::socket socket(context);
    const auto [error] = co_await acceptor_.async_accept(socket, kAsTuple);
    if (error) {  // out of descriptors, or the peer left already: both pass
      timer.expires_after(kAcceptRetry);
      co_await timer.async_wait(kAsTuple);
      continue;
    }
    net::co_spawn(context, serveConnection(std::move(socket), service_, options_.limits, number),
                  reportConnection);
  }
}

void Server::run() {
  net::signal_set signals(*contexts_.front(), SIGTERM, SIGINT);
  signals.async_wait([this](const boost::system::error_code& error, int) {
    if (error) return;
    for (auto& context : contexts_) context->stop();
  });
  net::co_spawn(*contexts_.front(), accept(), [](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
  });
  std::vector<std::thread> threads;
  std::vector<net::executor_work_guard<net::io_context::executor_type>> guards;
  for (std::size_t i = 1; i < contexts_.size(); ++i) {
    guards.emplace_back(contexts_[i]->get_executor());
    threads.emplace_back([&context = *contexts_[i]] { context.run(); });
  }
  contexts_.front()->run();
  for (auto& thread : threads) thread.join();
}

}  // namespace scripted_llm
