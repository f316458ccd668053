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
// How long others are waited for than those that did not answer, at most half of the caller's time.
constexpr Millis kDoubt{1000};

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
  if (Entry* const entry = usable(host); entry != nullptr && !entry->is_doubted) {
    if (entry->fresh_until.expired()) lookUp(host);
    co_return Answer{{}, withPort(entry->addresses, port)};
  }
  const std::shared_ptr<Pending> pending = lookUp(host);
  Deadline patience = deadline;
  if (usable(host) != nullptr) {
    patience = Deadline::in(std::min(kDoubt, deadline.remaining() / 2));
  }
  co_await pending->waiters.wait(patience);
  if (pending->found.error) {
    if (Entry* const entry = usable(host); entry != nullptr) {
      entry->is_doubted = false;
      co_return Answer{{}, withPort(entry->addresses, port)};
    }
  }
  co_return Answer{pending->found.error, withPort(pending->found.addresses, port)};
}

void NameLookup::doubt(const std::string& host) {
  if (Entry* const entry = usable(host)) entry->is_doubted = true;
}

NameLookup::Cache::iterator NameLookup::keep(const std::string& host, Addresses addresses,
                                             Clock::time_point since) {
  if (cache_.size() >= kMaxCached && !cache_.contains(host)) cache_.clear();
  Entry entry{std::move(addresses), since, Deadline{since + times_.fresh}};
  return cache_.insert_or_assign(host, std::move(entry)).first;
}

NameLookup::Entry* NameLookup::usable(const std::string& host) {
  auto entry = cache_.find(host);
  if (entry == cache_.end() || entry->second.fresh_until.expired()) {
    const std::optional<KnownName> known = resolver_->known(host);
    if (known && (entry == cache_.end() || known->since > entry->second.since)) {
      entry = keep(host, known->addresses, known->since);
    }
  }
  if (entry == cache_.end()) return nullptr;
  const Deadline stale_until{entry->second.since + times_.stale};
  return stale_until.expired() ? nullptr : &entry->second;
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
    keep(host, found.addresses, Clock::now());
  } else if (const auto old = cache_.find(host); old != cache_.end()) {
    old->second.fresh_until = Deadline::in(std::min(times_.fresh, kAfterFailure));
  }
  const auto pending = pending_.extract(host);
  if (pending.empty()) return;
  pending.mapped()->found = found;
  pending.mapped()->waiters.wakeAll();
}

}  // namespace agw::io
