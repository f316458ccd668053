#include "config/watcher.h"

#include <limits.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace agw::config {
namespace {

namespace net = boost::asio;
using boost::system::error_code;

constexpr std::uint32_t kSigns = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
                                 IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB;
constexpr int kMaxLinks = 40;  // as the kernel follows

std::string folderOf(const std::string& file) {
  const std::size_t slash = file.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : file.substr(0, slash);
}

// Of the file and, link by link, of what it leads to. A folder that is a link itself is one of
// them: the folder in which it stands tells when it is turned.
void addFolders(std::string file, std::set<std::string>& folders) {
  for (int links = 0; links < kMaxLinks; ++links) {
    const std::string folder = folderOf(file);
    if (folders.insert(folder).second && folder != "/" && folder != ".") {
      struct stat info {};
      if (::lstat(folder.c_str(), &info) == 0 && S_ISLNK(info.st_mode)) {
        addFolders(folder, folders);
      }
    }
    std::array<char, PATH_MAX> target;
    const ssize_t size = ::readlink(file.c_str(), target.data(), target.size());
    if (size <= 0) return;
    const std::string to(target.data(), static_cast<std::size_t>(size));
    file = to.front() == '/' ? to : folder + '/' + to;
  }
}

class InotifyWatcher final : public Watcher {
 public:
  InotifyWatcher(net::io_context& context, WatchTimes times, std::function<void()> changed)
      : times_(times),
        changed_(std::move(changed)),
        events_(context),
        settle_timer_(context),
        look_timer_(context) {
    const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    // Without it (the user's limit of instances) the looks remain.
    if (fd >= 0) events_.assign(fd);
    waitForEvents();
    waitForLook();
  }

  void watch(std::vector<SeenFile> files) override {
    files_ = std::move(files);
    watchFolders();
    // What was written since they were read has given its sign already, to nobody.
    if (!first_sign_ && states() != told()) noteSign();
  }

  void setTimes(WatchTimes times) override { times_ = times; }

  void stop() override {
    error_code ignored;
    events_.close(ignored);
    settle_timer_.cancel();
    look_timer_.cancel();
    is_stopped_ = true;
  }

 private:
  using Clock = std::chrono::steady_clock;

  std::vector<FileState> states() const {
    std::vector<FileState> all;
    for (const SeenFile& file : files_) all.push_back(stateOf(file.path));
    return all;
  }

  std::vector<FileState> told() const {
    std::vector<FileState> all;
    for (const SeenFile& file : files_) all.push_back(file.state);
    return all;
  }

  void watchFolders() {
    if (!events_.is_open()) return;
    std::set<std::string> folders;
    for (const SeenFile& file : files_) addFolders(file.path, folders);
    std::map<std::string, int> watched;
    for (const std::string& folder : folders) {
      const int id = ::inotify_add_watch(events_.native_handle(), folder.c_str(), kSigns);
      if (id >= 0) watched[folder] = id;
    }
    std::set<int> kept;
    for (const auto& [folder, id] : watched) kept.insert(id);
    for (const auto& [folder, id] : watched_) {
      if (!kept.contains(id)) ::inotify_rm_watch(events_.native_handle(), id);
    }
    watched_ = std::move(watched);
  }

  void waitForEvents() {
    if (!events_.is_open()) return;
    events_.async_wait(net::posix::descriptor_base::wait_read, [this](const error_code& error) {
      if (error || is_stopped_) return;
      // Which folder it was does not matter: the files are looked at.
      alignas(inotify_event) std::array<char, 16 * 1024> buffer;
      while (::read(events_.native_handle(), buffer.data(), buffer.size()) > 0) {
      }
      noteSign();
      waitForEvents();
    });
  }

  void waitForLook() {
    look_timer_.expires_after(times_.looks);
    look_timer_.async_wait([this](const error_code& error) {
      if (error || is_stopped_) return;
      if (!first_sign_ && states() != told()) noteSign();
      waitForLook();
    });
  }

  void noteSign() {
    const auto now = Clock::now();
    if (!first_sign_) first_sign_ = now;
    settle_timer_.expires_at(std::min(now + times_.quiet, *first_sign_ + times_.longest));
    settle_timer_.async_wait([this](const error_code& error) {
      if (error || is_stopped_) return;
      first_sign_.reset();
      const std::vector<FileState> now_states = states();
      const bool maybe = std::any_of(files_.begin(), files_.end(),
                                     [](const SeenFile& file) { return file.state.isFresh(); });
      if (now_states == told() && !maybe) return;
      for (std::size_t i = 0; i < files_.size(); ++i) files_[i].state = now_states[i];
      watchFolders();  // links may lead elsewhere now
      changed_();
    });
  }

  WatchTimes times_;
  std::function<void()> changed_;
  net::posix::stream_descriptor events_;
  net::steady_timer settle_timer_;
  net::steady_timer look_timer_;
  std::vector<SeenFile> files_;  // as they were when last told of
  std::map<std::string, int> watched_;
  std::optional<Clock::time_point> first_sign_;
  bool is_stopped_ = false;
};

}  // namespace

std::unique_ptr<Watcher> makeWatcher(net::io_context& context, WatchTimes times,
                                     std::function<void()> changed) {
  return std::make_unique<InotifyWatcher>(context, times, std::move(changed));
}

}  // namespace agw::config
