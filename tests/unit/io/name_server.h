// What a test puts in the place of the system's name lookup. Every name is 127.0.0.1 unless the
// test says otherwise; those that hang do so until they are released.
#pragma once

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "io/name_resolver.h"

namespace agw::test {

// Held by the threads that look up, which may outlive the test's resolver.
class NameServer : public std::enable_shared_from_this<NameServer> {
 public:
  io::NameResolver::Lookup lookup() {
    return [self = shared_from_this()](const std::string& host) { return self->resolve(host); };
  }

  void answer(const std::string& host, io::ResolvedName found) {
    const std::lock_guard lock(mutex_);
    answers_[host] = std::move(found);
  }
  void hang(const std::string& host) {
    const std::lock_guard lock(mutex_);
    hanging_.insert(host);
  }
  void release(const std::string& host) {
    const std::lock_guard lock(mutex_);
    hanging_.erase(host);
    changed_.notify_all();
  }

  int asked(const std::string& host) {
    const std::lock_guard lock(mutex_);
    return asked_[host];
  }
  std::size_t mostInside() {
    const std::lock_guard lock(mutex_);
    return most_inside_;
  }
  void waitForAsked(const std::string& host, int times) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return asked_[host] >= times; });
  }
  // Until exactly so many threads look something up.
  void waitForInside(std::size_t threads) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inside_ == threads; });
  }

 private:
  io::ResolvedName resolve(const std::string& host) {
    std::unique_lock lock(mutex_);
    ++asked_[host];
    most_inside_ = std::max(most_inside_, ++inside_);
    changed_.notify_all();
    changed_.wait(lock, [&] { return !hanging_.contains(host); });
    --inside_;
    changed_.notify_all();
    const auto found = answers_.find(host);
    if (found != answers_.end()) return found->second;
    return {{}, {boost::asio::ip::make_address("127.0.0.1")}};
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, io::ResolvedName> answers_;
  std::set<std::string> hanging_;
  std::map<std::string, int> asked_;
  std::size_t inside_ = 0;
  std::size_t most_inside_ = 0;
};

}  // namespace agw::test
