// Notices that any of a set of files has changed, however it was written: in place, by a rename,
// by another target of a symbolic link, deleted or made anew.
//
// inotify on the folders of the files, and of what their symbolic links lead to; a look at the
// files every other second besides, for file systems that tell nobody. Lives on one io_context.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "base/deadline.h"
#include "config/file_state.h"

namespace agw::config {

struct WatchTimes {
  Millis quiet{300};     // without another sign of a change, before it is told
  Millis longest{1000};  // from the first sign on, whatever comes after it
  Millis looks{2000};    // from one look at the files to the next
};

class Watcher {
 public:
  virtual ~Watcher() = default;
  // The files from now on, none to watch nothing; they need not exist. A change is measured against
  // the state that is given, so that none is lost between reading a file and watching it.
  virtual void watch(std::vector<SeenFile> files) = 0;
  virtual void setTimes(WatchTimes times) = 0;
  virtual void stop() = 0;
};

// `changed` runs on the io_context, once for a burst of changes.
std::unique_ptr<Watcher> makeWatcher(boost::asio::io_context& context, WatchTimes times,
                                     std::function<void()> changed);

}  // namespace agw::config
