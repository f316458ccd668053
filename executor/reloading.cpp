#include "reloading.h"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <vector>

namespace agw {

namespace net = boost::asio;

namespace {

// However many changes follow one another, one is taken into use after so long.
constexpr Millis kLongestDelay{1000};

}  // namespace

Reloading::Reloading(net::io_context& context, config::Reloader& reloader)
    : context_(context),
      reloader_(reloader),
      signals_(context, SIGHUP),
      watcher_(config::makeWatcher(context, {}, [this] { run("file"); })) {
  follow();
  waitForSignal();
}

void Reloading::stop() {
  signals_.cancel();
  watcher_->stop();
}

// As the settings in use say; other includes may count now.
void Reloading::follow() {
  const config::ServerSettings& server = reloader_.settings()->server;
  is_watching_ = server.watch;
  watcher_->setTimes(
      {.quiet = server.watch_delay, .longest = std::max(kLongestDelay, 3 * server.watch_delay)});
  watcher_->watch(server.watch ? reloader_.files() : std::vector<config::SeenFile>{});
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

config::ReloadStatus Reloading::run(const char* trigger) {
  config::ReloadStatus status = reloader_.reload(trigger);
  follow();
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
