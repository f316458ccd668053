// Idle keep-alive connections of one HttpClient. Used on the client's thread only; responses hold
// it weakly, so that one that outlives its client closes its connection instead of giving it back.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/client_connection.h"
#include "io/http_client.h"

namespace agw::io {

class ConnectionPool {
 public:
  ConnectionPool(net::io_context& context, const HttpClientOptions& options);

  // The youngest connection that is still good, or null. Those that the peer has closed are
  // dropped.
  std::unique_ptr<ClientConnection> take(const std::string& peer);
  void give(std::unique_ptr<ClientConnection> connection);
  std::size_t size() const;

 private:
  struct Idle {
    std::unique_ptr<ClientConnection> connection;
    Deadline until;
  };

  void sweep();

  const std::size_t max_per_peer_;
  const Millis idle_timeout_;
  std::unordered_map<std::string, std::vector<Idle>> idle_;  // oldest first
  DeadlineTimer timer_;                                      // set while anything is idle
};

}  // namespace agw::io
