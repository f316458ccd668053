#include "bench/load/network.h"

#include <sys/resource.h>

#include <algorithm>

#include <boost/asio/ip/address_v4.hpp>

namespace agent_load {
namespace {

namespace net = boost::asio;

constexpr std::uint64_t kOtherDescriptors = 64;

// IPv4 wins where a host has both: the servers of the benches listen there.
net::ip::tcp::endpoint resolve(net::io_context& io, const Url& url) {
  net::ip::tcp::resolver resolver(io);
  boost::system::error_code error;
  const auto found = resolver.resolve(url.host, std::to_string(url.port), error);
  if (error || found.empty()) {
    throw UsageError("--url: host " + url.host + " not found: " + error.message());
  }
  const auto v4 = std::find_if(found.begin(), found.end(), [](const auto& entry) {
    return entry.endpoint().address().is_v4();
  });
  return v4 != found.end() ? v4->endpoint() : found.begin()->endpoint();
}

void allowDescriptors(std::uint64_t connections) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t needed = connections + kOtherDescriptors;
  if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < needed) {
    throw UsageError("--connections " + std::to_string(connections) + ": only " +
                     std::to_string(limit.rlim_max) + " file descriptors are allowed (ulimit -Hn)");
  }
  if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < needed) {
    limit.rlim_cur = needed;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

}  // namespace

Network::Network(const Options& run_options)
    : options(run_options), io(1), request(run_options), watchdog(io) {
  allowDescriptors(options.connections);
  peer = resolve(io, options.url);
  if (options.url.tls) tls.emplace(options.ca_file, options.url.host);
  if (options.source_addresses > 0 && !peer.address().is_v4()) {
    throw UsageError("--source-addresses: needs an IPv4 host");
  }
  if (options.source_addresses > 0 && !peer.address().is_loopback()) {
    throw UsageError("--source-addresses: the host must be on loopback (127.0.0.0/8)");
  }
}

std::optional<net::ip::tcp::endpoint> Network::nextSource() {
  if (options.source_addresses == 0) return std::nullopt;
  const auto first = net::ip::address_v4::loopback().to_uint();
  const unsigned offset = last_source++ % options.source_addresses;
  return net::ip::tcp::endpoint(net::ip::address_v4(first + offset), 0);
}

}  // namespace agent_load
