// Host names to TCP endpoints, with a short cache. Used on the io_context's thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/deadline.h"

namespace agw::io {

class NameLookup {
 public:
  using Endpoints = std::vector<boost::asio::ip::tcp::endpoint>;
  struct Answer {
    boost::system::error_code error;  // timed_out when the deadline passed first
    Endpoints endpoints;
  };

  explicit NameLookup(boost::asio::io_context& context) : context_(context) {}

  // The lookup itself runs on Asio's resolver thread and cannot be stopped there; the deadline and
  // a cancelled caller leave it behind.
  boost::asio::awaitable<Answer> find(std::string host, std::uint16_t port, Deadline deadline);
  // The addresses did not answer: ask again next time.
  void forget(const std::string& host, std::uint16_t port) { cache_.erase(key(host, port)); }

 private:
  struct Entry {
    Endpoints endpoints;
    Deadline valid_until;
  };
  static std::string key(const std::string& host, std::uint16_t port) {
    return host + ":" + std::to_string(port);
  }

  boost::asio::io_context& context_;
  std::unordered_map<std::string, Entry> cache_;
};

}  // namespace agw::io
