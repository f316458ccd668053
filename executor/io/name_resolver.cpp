#include "io/name_resolver.h"

#include <pthread.h>
#include <signal.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace agw::io {

namespace net = boost::asio;

namespace {

constexpr std::size_t kMaxKnown = 256;

}  // namespace

struct NameResolver::State {
  explicit State(Lookup function) : lookup(std::move(function)) {}

  const Lookup lookup;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::string> waiting;                // names that no thread has taken up
  std::map<std::string, std::vector<Done>> open;  // who is to be told, those of running ones too
  std::map<std::string, KnownName> known;
  std::size_t threads = 0;
  std::size_t idle = 0;
  bool is_over = false;
};

ResolvedName askSystem(const std::string& host) {
  net::io_context unused;
  net::ip::tcp::resolver resolver(unused);
  ResolvedName found;
  for (const auto& result :
       resolver.resolve(host, "0", net::ip::tcp::resolver::numeric_service, found.error)) {
    found.addresses.push_back(result.endpoint().address());
  }
  return found;
}

NameResolver::NameResolver(Lookup lookup) : state_(std::make_shared<State>(std::move(lookup))) {}

NameResolver::~NameResolver() {
  const std::lock_guard lock(state_->mutex);
  state_->is_over = true;
  state_->open.clear();
  state_->waiting.clear();
  state_->changed.notify_all();
}

void NameResolver::start(const std::string& host, Done done) {
  const std::lock_guard lock(state_->mutex);
  std::vector<Done>& askers = state_->open[host];
  askers.push_back(std::move(done));
  if (askers.size() > 1) return;
  state_->waiting.push_back(host);
  if (state_->idle >= state_->waiting.size() || state_->threads == kMostThreads) {
    state_->changed.notify_one();
    return;
  }
  ++state_->threads;
  // Detached: one that the system keeps waiting must not hold up the end of the process.
  std::thread([state = state_] { work(state); }).detach();
}

std::optional<KnownName> NameResolver::known(const std::string& host) const {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->known.find(host);
  if (found == state_->known.end()) return std::nullopt;
  return found->second;
}

void NameResolver::work(const std::shared_ptr<State>& state) {
  pthread_setname_np(pthread_self(), "names");
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals belong to the threads that wait for them
  std::unique_lock lock(state->mutex);
  for (;;) {
    ++state->idle;
    state->changed.wait(lock, [&] { return state->is_over || !state->waiting.empty(); });
    --state->idle;
    if (state->is_over) return;
    const std::string host = std::move(state->waiting.front());
    state->waiting.pop_front();
    lock.unlock();
    const ResolvedName found = state->lookup(host);
    lock.lock();
    if (!found.error) {
      if (state->known.size() >= kMaxKnown && !state->known.contains(host)) state->known.clear();
      state->known[host] = {found.addresses, Clock::now()};
    }
    const auto asked = state->open.extract(host);
    if (asked.empty()) continue;  // nobody wants to know any more
    lock.unlock();
    for (const Done& done : asked.mapped()) done(found);
    lock.lock();
  }
}

}  // namespace agw::io
