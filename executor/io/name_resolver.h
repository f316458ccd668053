// Host names to addresses, on a few threads of its own: the system's resolver blocks, and Asio's
// has one thread a context, where a name that nobody answers for holds up all others. Used from any
// thread.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/deadline.h"

namespace agw::io {

struct ResolvedName {
  boost::system::error_code error;
  std::vector<boost::asio::ip::address> addresses;
};

// What was found last, and when.
struct KnownName {
  std::vector<boost::asio::ip::address> addresses;
  Clock::time_point since;
};

// Asks the system; blocks for as long as that takes.
ResolvedName askSystem(const std::string& host);

class NameResolver {
 public:
  using Lookup = std::function<ResolvedName(const std::string& host)>;
  using Done = std::function<void(const ResolvedName&)>;

  // So many names are looked up side by side; further ones wait.
  static constexpr std::size_t kMostThreads = 8;

  explicit NameResolver(Lookup lookup = askSystem);
  // Does not wait for lookups that run: they end on their own, and nobody is told.
  ~NameResolver();
  NameResolver(const NameResolver&) = delete;
  NameResolver& operator=(const NameResolver&) = delete;

  // `done` is called on one of the threads. Who asks for a name that is being looked up already
  // gets the same answer. Threads are started when they are needed.
  void start(const std::string& host, Done done);

  // So that a name that one thread has looked up is known to all of them.
  std::optional<KnownName> known(const std::string& host) const;

 private:
  struct State;
  static void work(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;  // shared with the threads
};

}  // namespace agw::io
