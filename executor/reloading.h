// Reloads of the configuration while the executor serves: on a thread of their own, so that no
// request waits for a file, by a change of a file, by SIGHUP, or when asked to.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <memory>
#include <thread>

#include "api/reload_control.h"
#include "config/reloader.h"
#include "config/watcher.h"

namespace agw {

class Reloading final : public api::ReloadControl {
 public:
  // Begins at once; `watches`: follows the files, too.
  Reloading(config::Reloader& reloader, bool watches);
  ~Reloading() override;

  // No reload runs any more, and none begins.
  void stop();

  boost::asio::awaitable<config::ReloadStatus> reload() override;
  config::ReloadStatus status() const override;
  bool isWatching() const override { return watcher_ != nullptr; }
  std::shared_ptr<const config::Settings> settings() const override { return reloader_.settings(); }

 private:
  config::ReloadStatus run(const char* trigger);
  void waitForSignal();

  config::Reloader& reloader_;
  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::signal_set signals_;
  std::unique_ptr<config::Watcher> watcher_;
  std::thread thread_;
};

}  // namespace agw
