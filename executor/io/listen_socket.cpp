#include "io/listen_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "base/id.h"

namespace agw::io {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr int kBacklog = 4096;  // the kernel lowers it to net.core.somaxconn

[[noreturn]] void fail(const std::string& address, const std::string& why) {
  throw std::runtime_error("cannot listen on " + address + ": " + why);
}

[[noreturn]] void failErrno(const std::string& address) {
  fail(address, std::generic_category().message(errno));
}

sockaddr_un unixAddress(const std::string& path) {
  sockaddr_un result{};
  result.sun_family = AF_UNIX;
  std::memcpy(result.sun_path, path.c_str(), path.size() + 1);
  return result;
}

UniqueFd newSocket(int family) {
  return UniqueFd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

// Whether the path may be taken: nothing there, or a socket that nobody listens on.
void requireFree(const std::string& path, const std::string& address) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return;
    failErrno(address);
  }
  if (!S_ISSOCK(info.st_mode)) fail(address, "the path exists and is not a socket");
  const UniqueFd probe = newSocket(AF_UNIX);
  if (!probe) failErrno(address);
  const sockaddr_un name = unixAddress(path);
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 ||
      errno == EAGAIN) {
    fail(address, "another process listens on it");
  }
  if (errno != ECONNREFUSED && errno != ENOENT) failErrno(address);
}

boost::asio::ip::tcp::endpoint parseTcp(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) fail(address, "a port is missing");
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    fail(address, "an IPv6 address needs brackets");
  }
  boost::system::error_code error;
  const auto ip = boost::asio::ip::make_address(host, error);
  if (error) fail(address, "not \"unix:/path\" or \"ip:port\"");
  std::uint16_t port = 0;
  const char* const end = address.data() + address.size();
  const auto parsed = std::from_chars(address.data() + colon + 1, end, port);
  if (parsed.ec != std::errc() || parsed.ptr != end)
    fail(address, "the port is not a number up to 65535");
  return {ip, port};
}

}  // namespace

ListenSocket::ListenSocket(const std::string& address, unsigned socket_mode) : address_(address) {
  if (address.rfind(kUnixPrefix, 0) == 0) {
    listenUnix(socket_mode);
  } else {
    listenTcp();
  }
}

ListenSocket::~ListenSocket() { unlinkPath(); }

void ListenSocket::listenUnix(unsigned mode) {
  const std::string path = address_.substr(kUnixPrefix.size());
  const std::string bound = path + randomId(".").substr(0, 9);
  if (path.empty() || path.front() != '/') fail(address_, "the path must be absolute");
  if (bound.size() >= sizeof(sockaddr_un::sun_path)) {
    fail(address_,
         "the path is longer than " +
             std::to_string(sizeof(sockaddr_un::sun_path) - 1 - (bound.size() - path.size())) +
             " bytes");
  }
  requireFree(path, address_);
  fd_ = newSocket(AF_UNIX);
  if (!fd_) failErrno(address_);
  const sockaddr_un name = unixAddress(bound);
  if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
    failErrno(address_);
  struct stat info {};
  if (::chmod(bound.c_str(), mode) != 0 || ::listen(fd_.get(), kBacklog) != 0 ||
      ::lstat(bound.c_str(), &info) != 0 || ::rename(bound.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(bound.c_str());
    errno = error;
    failErrno(address_);
  }
  device_ = info.st_dev;
  inode_ = info.st_ino;
  path_ = path;
}

void ListenSocket::listenTcp() {
  tcp_ = true;
  const auto endpoint = parseTcp(address_);
  fd_ = newSocket(endpoint.protocol().family());
  if (!fd_) failErrno(address_);
  const int on = 1;
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (endpoint.protocol() == boost::asio::ip::tcp::v6()) {
    ::setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (::bind(fd_.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0 ||
      ::listen(fd_.get(), kBacklog) != 0) {
    failErrno(address_);
  }
  boost::asio::ip::tcp::endpoint bound;
  auto size = static_cast<socklen_t>(bound.capacity());
  if (::getsockname(fd_.get(), bound.data(), &size) != 0) failErrno(address_);
  bound.resize(size);
  const std::string ip = bound.address().to_string();
  address_ = (bound.address().is_v6() ? "[" + ip + "]" : ip) + ":" + std::to_string(bound.port());
}

UniqueFd ListenSocket::accept() const {
  for (;;) {
    UniqueFd peer(::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!peer) {
      // The connection that was first in the queue is gone already: look at the next one.
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return peer;
    }
    if (isTcp()) {
      const int on = 1;
      ::setsockopt(peer.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    return peer;
  }
}

void ListenSocket::unlinkPath() {
  if (path_.empty()) return;
  struct stat info {};
  if (::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
  path_.clear();
}

void ListenSocket::close() { fd_ = UniqueFd(); }

}  // namespace agw::io
