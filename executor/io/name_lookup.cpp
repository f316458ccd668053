#include "io/name_lookup.h"

#include <boost/asio/post.hpp>
#include <mutex>
#include <utility>

#include "io/coro.h"
#include "io/wait_list.h"

namespace agw::io {
namespace {

constexpr std::size_t kMaxCached = 256;
// After a lookup that failed, the old addresses are used for so long before the next one.
constexpr Millis kAfterFailure{1000};

NameLookup::Endpoints withPort(const std::vector<net::ip::address>& addresses, std::uint16_t port) {
  NameLookup::Endpoints endpoints;
  for (const net::ip::address& address : addresses) endpoints.emplace_back(address, port);
  return endpoints;
}

}  // namespace

struct NameLookup::Pending {
  explicit Pending(net::io_context& context) : waiters(context) {}

  WaitList waiters;
  ResolvedName found{net::error::timed_out, {}};
};

// Where the resolver's threads leave their answers. They may come after the lookup is gone.
struct NameLookup::Mailbox {
  std::mutex mutex;
  net::io_context* context = nullptr;  // null: nobody is there any more
  NameLookup* owner = nullptr;         // on the context's thread
};

NameLookup::NameLookup(net::io_context& context, std::shared_ptr<NameResolver> resolver)
    : NameLookup(context, std::move(resolver), Times()) {}

NameLookup::NameLookup(net::io_context& context, std::shared_ptr<NameResolver> resolver,
                       Times times)
    : context_(context),
      resolver_(std::move(resolver)),
      times_(times),
      mailbox_(std::make_shared<Mailbox>()) {
  mailbox_->context = &context;
  mailbox_->owner = this;
}

NameLookup::~NameLookup() {
  const std::lock_guard lock(mailbox_->mutex);
  mailbox_->context = nullptr;
  mailbox_->owner = nullptr;
}

net::awaitable<NameLookup::Answer> NameLookup::find(std::string host, std::uint16_t port,
                                                    Deadline deadline) {
  boost::system::error_code not_ip;
  const auto ip = net::ip::make_address(host, not_ip);
  if (!not_ip) co_return Answer{{}, withPort({ip}, port)};
  const auto cached = cache_.find(host);
  if (cached != cache_.end() && !cached->second.stale_until.expired()) {
    if (cached->second.fresh_until.expired()) lookUp(host);
    co_return Answer{{}, withPort(cached->second.addresses, port)};
  }
  const std::shared_ptr<Pending> pending = lookUp(host);
  co_await pending->waiters.wait(deadline);
  co_return Answer{pending->found.error, withPort(pending->found.addresses, port)};
}

std::shared_ptr<NameLookup::Pending> NameLookup::lookUp(const std::string& host) {
  std::shared_ptr<Pending>& pending = pending_[host];
  if (pending) return pending;
  pending = std::make_shared<Pending>(context_);
  resolver_->start(host, [mailbox = mailbox_, host](const ResolvedName& found) {
    const std::lock_guard lock(mailbox->mutex);
    if (mailbox->context == nullptr) return;
    net::post(*mailbox->context, [mailbox, host, found] {
      if (mailbox->owner != nullptr) mailbox->owner->take(host, found);
    });
  });
  return pending;
}

void NameLookup::take(const std::string& host, const ResolvedName& found) {
  if (!found.error) {
    if (cache_.size() >= kMaxCached) cache_.clear();
    cache_[host] = {found.addresses, Deadline::in(times_.fresh), Deadline::in(times_.stale)};
  } else if (const auto old = cache_.find(host); old != cache_.end()) {
    old->second.fresh_until = Deadline::in(std::min(times_.fresh, kAfterFailure));
  }
  const auto pending = pending_.extract(host);
  if (pending.empty()) return;
  pending.mapped()->found = found;
  pending.mapped()->waiters.wakeAll();
}

}  // namespace agw::io
