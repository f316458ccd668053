// When the configuration is loaded anew while the executor serves: by a change of a file, by
// SIGHUP, or when asked to.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <memory>

#include "api/reload_control.h"
#include "config/reloader.h"
#include "config/watcher.h"

namespace agw {

// Loads on `context`, whose thread serves no requests.
class Reloading final : public api::ReloadControl {
 public:
  // Before the context runs. Both outlive it.
  Reloading(boost::asio::io_context& context, config::Reloader& reloader);

  // On the context's thread: no reload begins any more.
  void stop();

  boost::asio::awaitable<config::ReloadStatus> reload() override;
  config::ReloadStatus status() const override { return reloader_.status(); }
  bool isWatching() const override { return is_watching_; }
  std::shared_ptr<const config::Settings> settings() const override { return reloader_.settings(); }

 private:
  config::ReloadStatus run(const char* trigger);
  void follow();
  void waitForSignal();

  boost::asio::io_context& context_;
  config::Reloader& reloader_;
  boost::asio::signal_set signals_;
  std::unique_ptr<config::Watcher> watcher_;
  std::atomic<bool> is_watching_{false};
};

}  // namespace agw
