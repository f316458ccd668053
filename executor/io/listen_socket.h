// The server's listening socket: "unix:/path", "127.0.0.1:8080" or "[::1]:8080".
#pragma once

#include <sys/types.h>

#include <string>

#include "io/unique_fd.h"

namespace agw::io {

class ListenSocket {
 public:
  // Throws std::runtime_error naming the address. A unix socket is bound under another name, given
  // its mode and put in place by rename(2), so that its path never refuses a connection and never
  // has a wider mode.
  ListenSocket(const std::string& address, unsigned socket_mode);
  ~ListenSocket();
  ListenSocket(const ListenSocket&) = delete;
  ListenSocket& operator=(const ListenSocket&) = delete;

  int fd() const { return fd_.get(); }
  bool isTcp() const { return tcp_; }
  const std::string& address() const { return address_; }

  // A new connection, non-blocking and with TCP_NODELAY; when there is none, errno says why.
  UniqueFd accept() const;
  // Removes the path of a unix socket, unless another process has put its own there.
  void unlinkPath();
  void close();

 private:
  void listenUnix(unsigned mode);
  void listenTcp();

  UniqueFd fd_;
  std::string address_;
  bool tcp_ = false;
  std::string path_;  // of a unix socket that is still linked
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace agw::io
