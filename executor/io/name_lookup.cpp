#include "io/name_lookup.h"

#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "io/coro.h"

namespace agw::io {
namespace {

constexpr Millis kCacheTime{10000};
constexpr std::size_t kMaxCached = 256;

struct Lookup {
  explicit Lookup(net::io_context& context) : resolver(context), done(context) {}

  net::ip::tcp::resolver resolver;
  net::steady_timer done;  // cancelled when the answer is there
  NameLookup::Answer answer{net::error::timed_out, {}};
};

}  // namespace

net::awaitable<NameLookup::Answer> NameLookup::find(std::string host, std::uint16_t port,
                                                    Deadline deadline) {
  boost::system::error_code not_ip;
  const auto ip = net::ip::make_address(host, not_ip);
  if (!not_ip) {
    Answer literal;
    literal.endpoints.emplace_back(ip, port);
    co_return literal;
  }
  const std::string name = key(host, port);
  const auto cached = cache_.find(name);
  if (cached != cache_.end() && !cached->second.valid_until.expired()) {
    co_return Answer{{}, cached->second.endpoints};
  }

  const auto lookup = std::make_shared<Lookup>(context_);
  lookup->done.expires_at(deadline.at);
  auto answered = [lookup](const boost::system::error_code& error,
                           const net::ip::tcp::resolver::results_type& results) {
    lookup->answer.error = error;
    for (const auto& result : results) lookup->answer.endpoints.push_back(result.endpoint());
    lookup->done.cancel();
  };
  lookup->resolver.async_resolve(host, std::to_string(port),
                                 net::ip::tcp::resolver::numeric_service, std::move(answered));
  co_await lookup->done.async_wait(kAsTuple);
  if (!lookup->answer.error) {
    if (cache_.size() >= kMaxCached) cache_.clear();
    cache_[name] = Entry{lookup->answer.endpoints, Deadline::in(kCacheTime)};
  }
  co_return lookup->answer;
}

}  // namespace agw::io
