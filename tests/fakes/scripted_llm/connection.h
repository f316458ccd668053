// One client connection: reads requests one after another and answers them.
#pragma once

#include <chrono>
#include <cstdint>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "service.h"

namespace scripted_llm {

struct ConnectionLimits {
  std::chrono::milliseconds read_timeout{300000};   // for the next request to arrive whole
  std::chrono::milliseconds write_timeout{120000};  // for the peer to take what one write holds
};

// `service` must outlive the io_context the coroutine runs on.
boost::asio::awaitable<void> serveConnection(boost::asio::ip::tcp::socket socket, Service& service,
                                             ConnectionLimits limits, std::uint64_t number);

}  // namespace scripted_llm
