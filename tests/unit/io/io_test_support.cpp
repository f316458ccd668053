#include "io/io_test_support.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

namespace agw::io::test {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Address ipv4(std::uint16_t port) {
  Address result;
  auto* const in = reinterpret_cast<sockaddr_in*>(&result.storage);
  in->sin_family = AF_INET;
  in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  in->sin_port = htons(port);
  result.size = sizeof *in;
  return result;
}

Address unixPath(const std::string& path) {
  Address result;
  auto* const un = reinterpret_cast<sockaddr_un*>(&result.storage);
  un->sun_family = AF_UNIX;
  std::memcpy(un->sun_path, path.c_str(), path.size() + 1);
  result.size = sizeof *un;
  return result;
}

}  // namespace

bool eventually(const std::function<bool()>& done) {
  const auto end = Clock::now() + kPatience;
  while (!done()) {
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

RawSocket::RawSocket(UniqueFd fd) : fd_(std::move(fd)) {
  const timeval patience{std::chrono::seconds(kPatience).count(), 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

RawSocket RawSocket::connect(const std::string& address) {
  const bool local = address.rfind("unix:", 0) == 0;
  Address to =
      local ? unixPath(address.substr(5))
            : ipv4(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  UniqueFd fd(::socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), to.get(), to.size) != 0) {
    throw std::runtime_error("connect " + address + ": " + std::strerror(errno));
  }
  return RawSocket(std::move(fd));
}

bool RawSocket::trySend(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void RawSocket::send(std::string_view bytes) const {
  if (!trySend(bytes)) throw std::runtime_error(std::string("send: ") + std::strerror(errno));
}

bool RawSocket::fill() {
  char buffer[65536];
  const ssize_t size = ::recv(fd_.get(), buffer, sizeof buffer, 0);
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    throw std::runtime_error("the peer is silent");
  if (size <= 0) return false;
  pending_.append(buffer, static_cast<std::size_t>(size));
  return true;
}

std::string RawSocket::readUntil(std::string_view text) {
  std::size_t found;
  while ((found = pending_.find(text)) == std::string::npos) {
    if (!fill())
      throw std::runtime_error("closed before \"" + std::string(text) + "\", got: " + pending_);
  }
  return read(found + text.size());
}

std::string RawSocket::read(std::size_t size) {
  while (pending_.size() < size) {
    if (!fill()) throw std::runtime_error("closed early, got: " + pending_);
  }
  std::string result = pending_.substr(0, size);
  pending_.erase(0, size);
  return result;
}

std::string RawSocket::readAll() {
  while (fill()) {
  }
  return std::exchange(pending_, {});
}

bool RawSocket::peerClosed() {
  pollfd poll_fd{fd_.get(), POLLIN, 0};
  if (::poll(&poll_fd, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) != 1)
    return false;
  char byte;
  return ::recv(fd_.get(), &byte, 1, MSG_PEEK) <= 0;
}

std::string RawSocket::readMessage() {
  std::string message = readUntil("\r\n\r\n");
  const auto length = message.find("Content-Length: ");
  if (length != std::string::npos) {
    message += read(std::stoul(message.substr(length + 16)));
  } else if (message.find("Transfer-Encoding: chunked") != std::string::npos) {
    for (;;) {
      const std::string size_line = readUntil("\r\n");
      const std::size_t size = std::stoul(size_line, nullptr, 16);
      message += size_line + read(size + 2);
      if (size == 0) break;
    }
  }
  return message;
}

void RawSocket::shutdownWrite() const { ::shutdown(fd_.get(), SHUT_WR); }

void RawSocket::closeWithReset() {
  const linger now{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

RawServer::RawServer(Script script) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  Address any = ipv4(0);
  if (::bind(listener_.get(), any.get(), any.size) != 0 || ::listen(listener_.get(), 64) != 0) {
    throw std::runtime_error(std::string("listen: ") + std::strerror(errno));
  }
  ::getsockname(listener_.get(), any.get(), &any.size);
  port_ = ntohs(reinterpret_cast<sockaddr_in*>(&any.storage)->sin_port);
  thread_ = std::thread([this, script = std::move(script)] {
    for (;;) {
      UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd || stopping_) return;
      RawSocket socket(std::move(fd));
      try {
        script(socket, accepted_++);
      } catch (const std::exception& error) {
        if (!stopping_) ADD_FAILURE() << "raw server: " << error.what();
      }
    }
  });
}

RawServer::~RawServer() {
  stopping_ = true;
  ::shutdown(listener_.get(), SHUT_RDWR);
  thread_.join();
}

TestServer::TestServer(FunctionHandler::Function handler, ServerOptions options,
                       std::size_t threads) {
  std::vector<ServerWorker> workers;
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.push_back(std::make_unique<ContextThread>());
    handlers_.push_back(std::make_unique<FunctionHandler>(handler));
    workers.push_back(ServerWorker{threads_.back()->context, *handlers_.back()});
  }
  server_ = makeHttpServer(std::move(options), std::move(workers), log);
}

TestServer::~TestServer() {
  for (const auto& thread : threads_) thread->stop();
  server_.reset();
  threads_.clear();
}

std::future<void> TestServer::drain(std::chrono::milliseconds limit) {
  return net::co_spawn(context(), server_->drain(Deadline::in(limit)), net::use_future);
}

TestClient::TestClient(HttpClientOptions options)
    : client_(makeHttpClient(thread_.context, std::move(options))) {}

TestClient::~TestClient() {
  thread_.stop();
  client_.reset();
}

namespace {

net::awaitable<Result<TestClient::Answer>> fetchAll(HttpClient& client, HttpRequest request,
                                                    HttpTimeouts timeouts) {
  auto response = co_await client.send(std::move(request), timeouts);
  if (!response) co_return response.error();
  auto body = co_await readAll(**response, 64 << 20);
  if (!body) co_return body.error();
  co_return TestClient::Answer{(*response)->status(), std::move(*body)};
}

}  // namespace

Result<TestClient::Answer> TestClient::fetch(HttpRequest request, HttpTimeouts timeouts) {
  return run(fetchAll(*client_, std::move(request), timeouts));
}

}  // namespace agw::io::test
