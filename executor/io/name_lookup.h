// Host names to TCP endpoints, with a cache: while an entry is looked up anew, the old addresses
// serve on, also those that another thread has found. Used on the io_context's thread only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/deadline.h"
#include "io/name_resolver.h"

namespace agw::io {

class NameLookup {
 public:
  using Endpoints = std::vector<boost::asio::ip::tcp::endpoint>;
  struct Answer {
    boost::system::error_code error;  // timed_out when the deadline passed first
    Endpoints endpoints;
  };
  struct Times {
    Millis fresh{10000};   // addresses of this age are used as they are
    Millis stale{300000};  // and of this age, while they are looked up anew
  };

  // Destroyed on the context's thread, or when that has stopped.
  NameLookup(boost::asio::io_context& context, std::shared_ptr<NameResolver> resolver);
  NameLookup(boost::asio::io_context& context, std::shared_ptr<NameResolver> resolver, Times times);
  ~NameLookup();
  NameLookup(const NameLookup&) = delete;
  NameLookup& operator=(const NameLookup&) = delete;

  // Callers that want the same name wait for one lookup. The deadline and a cancelled caller leave
  // it behind; what it finds is kept all the same.
  boost::asio::awaitable<Answer> find(std::string host, std::uint16_t port, Deadline deadline);
  // The addresses did not answer: the next one asks again and waits for that, but not for long. Old
  // addresses are better than none: the server may have been away while the name server is.
  void doubt(const std::string& host);

 private:
  using Addresses = std::vector<boost::asio::ip::address>;
  struct Entry {
    Addresses addresses;
    Clock::time_point since;  // when they were found
    Deadline fresh_until;     // looked up anew after that
    bool is_doubted = false;
  };
  struct Pending;
  struct Mailbox;

  using Cache = std::unordered_map<std::string, Entry>;
  Cache::iterator keep(const std::string& host, Addresses addresses, Clock::time_point since);
  Entry* usable(const std::string& host);  // null: none, or too old
  std::shared_ptr<Pending> lookUp(const std::string& host);
  void take(const std::string& host, const ResolvedName& found);

  boost::asio::io_context& context_;
  const std::shared_ptr<NameResolver> resolver_;
  const Times times_;
  const std::shared_ptr<Mailbox> mailbox_;
  Cache cache_;
  std::unordered_map<std::string, std::shared_ptr<Pending>> pending_;
};

}  // namespace agw::io
