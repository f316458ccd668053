// Where the load goes.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace agent_load {

// What is wrong with the command line or with a file it names.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Url {
  bool tls = false;
  std::string host;  // without the brackets of an IPv6 address
  std::uint16_t port = 0;
  std::string authority;  // for the Host header
  std::string target;     // path and query
};

// Throws UsageError: http or https, a host, no user name and no fragment.
Url parseUrl(const std::string& text);

}  // namespace agent_load
