#include "ngx_module/config_file.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace agw {
namespace {

// Takes a worker's identity for file access alone (Linux: the file-system user id), so that the
// kernel decides with all it knows, access lists included. Gives the old one back in the
// destructor.
class WorkerFileIdentity {
 public:
  explicit WorkerFileIdentity(const ngx_core_conf_t& core) {
    const int count = ::getgroups(0, nullptr);
    groups_.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    if (count < 0 || ::getgroups(count, groups_.data()) < 0 ||
        ::initgroups(core.username, core.group) != 0) {
      return;
    }
    old_gid_ = ::setfsgid(core.group);
    old_uid_ = ::setfsuid(core.user);
    // setfsuid reports no failure; asking again shows what is in force.
    taken_ = static_cast<ngx_uid_t>(::setfsuid(static_cast<uid_t>(-1))) == core.user;
    changed_ = true;
  }
  ~WorkerFileIdentity() {
    if (changed_) {
      ::setfsuid(static_cast<uid_t>(old_uid_));
      ::setfsgid(static_cast<gid_t>(old_gid_));
      // Cannot fail: the same list was in force before, and the capability for it is still there.
      (void)!::setgroups(groups_.size(), groups_.data());
    }
  }
  WorkerFileIdentity(const WorkerFileIdentity&) = delete;
  WorkerFileIdentity& operator=(const WorkerFileIdentity&) = delete;
  bool taken() const { return taken_; }

 private:
  std::vector<gid_t> groups_;
  int old_uid_ = 0;
  int old_gid_ = 0;
  bool changed_ = false;
  bool taken_ = false;
};

}  // namespace

bool workersCanRead(const char* path, const ngx_core_conf_t& core, std::string& error) {
  if (::geteuid() != 0 || core.user == static_cast<ngx_uid_t>(NGX_CONF_UNSET_UINT) ||
      core.user == 0) {
    return true;
  }
  WorkerFileIdentity identity(core);
  if (!identity.taken()) {
    // No right to change identities (a container without CAP_SETUID): nginx itself will fail or not
    // at the same thing when it starts workers; nothing to be learned here.
    return true;
  }
  const int file = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    error = "cannot be read by the workers, which run as user \"" + std::string(core.username) +
            "\": " + std::strerror(errno) +
            "; give that user's group read access to the file and its folders";
    return false;
  }
  ::close(file);
  return true;
}

bool isWorldReadable(const char* path) noexcept {
  struct stat info {};
  return ::stat(path, &info) == 0 && (info.st_mode & S_IROTH) != 0;
}

}  // namespace agw
