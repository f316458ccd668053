// Real sockets on loopback for the tests of io: raw peers that speak bytes, and a server on its own
// threads.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "io/http_client.h"
#include "io/http_server.h"
#include "io/unique_fd.h"

namespace agw::io::test {

using namespace std::chrono_literals;

// Longest any single step of a test may take before it counts as hung.
inline constexpr auto kPatience = 10s;

// Waits until `done` holds; false after kPatience.
bool eventually(const std::function<bool()>& done);

// A blocking socket with a receive timeout of kPatience.
class RawSocket {
 public:
  RawSocket() = default;
  explicit RawSocket(UniqueFd fd);
  // "127.0.0.1:80" or "unix:/path".
  static RawSocket connect(const std::string& address);

  void send(std::string_view bytes) const;
  // False when the peer is gone.
  bool trySend(std::string_view bytes) const;
  // Reads until the text is in what has been received, and returns all up to its end; the rest is
  // kept.
  std::string readUntil(std::string_view text);
  std::string read(std::size_t size);
  // All until the peer closes; a reset counts as the end.
  std::string readAll();
  bool peerClosed();  // waits
  // One HTTP message: header and, by Content-Length or chunks, the raw body.
  std::string readMessage();
  void shutdownWrite() const;
  void closeWithReset();
  void close() { fd_ = UniqueFd(); }
  int fd() const { return fd_.get(); }

 private:
  bool fill();
  UniqueFd fd_;
  std::string pending_;
};

// Accepts connections one after the other and runs `script(socket, number of the connection)` for
// each, all in one thread, until the object is destroyed.
class RawServer {
 public:
  using Script = std::function<void(RawSocket&, int)>;
  explicit RawServer(Script script);
  ~RawServer();
  std::uint16_t port() const { return port_; }
  int accepted() const { return accepted_; }
  Url url(std::string target = "/") const {
    return Url{false, "127.0.0.1", port_, std::move(target)};
  }

 private:
  UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::atomic<int> accepted_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

// A server that answers every connection's first request with these bytes and then closes.
class Canned : public RawServer {
 public:
  explicit Canned(std::string bytes)
      : RawServer([bytes = std::move(bytes)](RawSocket& socket, int) {
          socket.readMessage();
          socket.send(bytes);
        }) {}
};

class MemoryLog : public telemetry::Log {
 public:
  void write(telemetry::Level, std::string_view event,
             std::initializer_list<telemetry::Field>) override {
    const std::lock_guard lock(mutex_);
    events_.emplace_back(event);
  }
  void flush() override {}
  std::vector<std::string> events() const {
    const std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> events_;
};

// An io_context that runs in its own thread.
class ContextThread {
 public:
  ContextThread() : guard_(context.get_executor()), thread_([this] { context.run(); }) {}
  ~ContextThread() { stop(); }
  void stop() {
    context.stop();
    if (thread_.joinable()) thread_.join();
  }
  net::io_context context{1};

 private:
  net::executor_work_guard<net::io_context::executor_type> guard_;
  std::thread thread_;
};

// Runs a coroutine on the context's thread and waits for its value.
template <class T>
T await(net::io_context& context, net::awaitable<T> task) {
  std::future<T> result = net::co_spawn(context, std::move(task), net::use_future);
  if (result.wait_for(kPatience) != std::future_status::ready)
    throw std::runtime_error("a coroutine hangs");
  return result.get();
}

// A handler made of a function.
class FunctionHandler : public RequestHandler {
 public:
  using Function = std::function<net::awaitable<void>(ServerRequest&, ResponseWriter&)>;
  explicit FunctionHandler(Function function) : function_(std::move(function)) {}
  net::awaitable<void> handle(ServerRequest& request, ResponseWriter& response) override {
    return function_(request, response);
  }
  std::string errorBody(int status, std::string_view message) override {
    return "{\"status\":" + std::to_string(status) + ",\"message\":\"" + std::string(message) +
           "\"}";
  }

 private:
  Function function_;
};

// A server with `threads` workers on 127.0.0.1, port chosen by the kernel unless the options say
// otherwise.
class TestServer {
 public:
  explicit TestServer(FunctionHandler::Function handler,
                      ServerOptions options = {.listen = "127.0.0.1:0"}, std::size_t threads = 1);
  ~TestServer();
  HttpServer& operator*() { return *server_; }
  HttpServer* operator->() { return server_.get(); }
  net::io_context& context(std::size_t worker = 0) { return threads_[worker]->context; }
  RawSocket connect() { return RawSocket::connect(server_->address()); }
  // Starts a drain; the future is ready when it has returned.
  std::future<void> drain(std::chrono::milliseconds limit);
  MemoryLog log;

 private:
  std::vector<std::unique_ptr<ContextThread>> threads_;
  std::vector<std::unique_ptr<FunctionHandler>> handlers_;
  std::unique_ptr<HttpServer> server_;
};

// A client on its own thread.
class TestClient {
 public:
  explicit TestClient(HttpClientOptions options = {});
  ~TestClient();
  struct Answer {
    int status = 0;
    std::string body;
  };
  Result<Answer> fetch(HttpRequest request, HttpTimeouts timeouts = {});
  HttpClient& client() { return *client_; }
  net::io_context& context() { return thread_.context; }
  // Runs on the client's thread.
  template <class T>
  T run(net::awaitable<T> task) {
    return await(thread_.context, std::move(task));
  }

 private:
  ContextThread thread_;
  std::unique_ptr<HttpClient> client_;
};

}  // namespace agw::io::test
