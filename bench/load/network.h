// What all connections of a run share. Everything runs on one thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "bench/load/options.h"
#include "bench/load/request_text.h"
#include "bench/load/tls_client.h"
#include "bench/load/watchdog.h"

namespace agent_load {

struct Network {
  // Throws UsageError: unknown host, unusable certificates, too few file descriptors.
  explicit Network(const Options& run_options);

  std::string nextId() { return options.id_prefix + '-' + std::to_string(++last_id); }
  // Where the next connection comes from; nullopt: the kernel chooses.
  std::optional<boost::asio::ip::tcp::endpoint> nextSource();

  const Options& options;
  boost::asio::io_context io;
  boost::asio::ip::tcp::endpoint peer;
  std::optional<TlsClient> tls;
  RequestText request;
  Watchdog watchdog;
  // One for all: a read never waits, and what it returns is dealt with before the next one.
  std::array<char, 16 * 1024> read_buffer;
  std::uint64_t last_id = 0;
  unsigned last_source = 0;
};

}  // namespace agent_load
