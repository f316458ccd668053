#include "reloading.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>

namespace agw {

namespace net = boost::asio;

Reloading::Reloading(config::Reloader& reloader, bool watches)
    : reloader_(reloader), work_(net::make_work_guard(context_)), signals_(context_, SIGHUP) {
  if (watches) {
    watcher_ = config::makeWatcher(context_, {}, [this] { run("file"); });
    watcher_->watch(reloader_.files());
  }
  waitForSignal();
  thread_ = std::thread([this] { context_.run(); });
}

Reloading::~Reloading() { stop(); }

void Reloading::stop() {
  if (!thread_.joinable()) return;
  net::post(context_, [this] {
    signals_.cancel();
    if (watcher_) watcher_->stop();
    work_.reset();
  });
  thread_.join();
}

net::awaitable<config::ReloadStatus> Reloading::reload() {
  // The asker may leave at any time, on its own thread: a reload that has begun is not its to end.
  co_return co_await net::co_spawn(
      context_,
      [](Reloading& self) -> net::awaitable<config::ReloadStatus> {
        co_return self.run("request");
      }(*this),
      net::bind_cancellation_slot(net::cancellation_slot(), net::use_awaitable));
}

config::ReloadStatus Reloading::status() const { return reloader_.status(); }

config::ReloadStatus Reloading::run(const char* trigger) {
  config::ReloadStatus status = reloader_.reload(trigger);
  // Other includes may count now.
  if (watcher_) watcher_->watch(reloader_.files());
  return status;
}

void Reloading::waitForSignal() {
  signals_.async_wait([this](const boost::system::error_code& error, int) {
    if (error) return;
    run("signal");
    waitForSignal();
  });
}

}  // namespace agw
