// What the admin endpoints may ask of reloads; app.cpp has the implementation.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>

#include "config/reloader.h"

namespace agw::api {

class ReloadControl {
 public:
  virtual ~ReloadControl() = default;
  // Loads the configuration now; resumes on the caller's executor. Not cancellable.
  virtual boost::asio::awaitable<config::ReloadStatus> reload() = 0;
  virtual config::ReloadStatus status() const = 0;  // any thread
  virtual bool isWatching() const = 0;
  virtual std::shared_ptr<const config::Settings> settings() const = 0;  // in use; any thread
};

}  // namespace agw::api
