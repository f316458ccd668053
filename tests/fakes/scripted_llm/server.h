// Listens and hands each connection to the next thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "connection.h"

namespace scripted_llm {

struct ServerOptions {
  std::string address = "127.0.0.1";
  unsigned short port = 0;  // 0: chosen by the kernel
  unsigned threads = 1;
  ConnectionLimits limits;
};

class Server {
 public:
  // Listens at once; throws boost::system::system_error when it cannot. `service` must outlive it.
  Server(const ServerOptions& options, Service& service);

  unsigned short port() const { return acceptor_.local_endpoint().port(); }
  // Serves until SIGTERM or SIGINT.
  void run();

 private:
  boost::asio::awaitable<void> accept();

  const ServerOptions options_;
  Service& service_;
  std::vector<std::unique_ptr<boost::asio::io_context>> contexts_;
  boost::asio::ip::tcp::acceptor acceptor_;
};

}  // namespace scripted_llm
