#include "cli/key_file_store.h"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "cli/file_lock.h"
#include "cli/key_file.h"

namespace agw::cli {
namespace {

constexpr mode_t kNewMode = 0640;
constexpr auto kAcl = "system.posix_acl_access";
constexpr std::size_t kMaxAcl = 64 * 1024;  // what Linux allows for one attribute

std::string systemError() { return std::generic_category().message(errno); }

std::string writeAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(fd, text.data(), text.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return systemError();
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return {};
}

bool isSameTime(const timespec& one, const timespec& other) {
  return one.tv_sec == other.tv_sec && one.tv_nsec == other.tv_nsec;
}

}  // namespace

config::FileText readKeyFile(const std::string& path) {
  // Before the first byte is read, so that a wrong name costs no memory.
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && status.st_size > off_t{kMaxKeyFile}) {
    return {{}, "is larger than 1 GiB"};
  }
  return config::readRegularFile(path, kMaxKeyFile);
}

KeyFileStore::~KeyFileStore() {
  if (!temp_.empty()) ::unlink(temp_.c_str());
}

std::string KeyFileStore::resolve(const std::string& file, IfMissing missing) {
  namespace fs = std::filesystem;
  const fs::path given(file);
  std::error_code error;
  const bool is_there = fs::exists(fs::symlink_status(given, error));
  if (is_there) {
    const fs::path target = fs::canonical(given, error);
    if (error) return file + ": cannot be found: " + error.message();
    path_ = target.string();
    folder_ = target.parent_path().string();
    return {};
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return file + ": cannot be looked at: " + error.message();
  }
  if (missing == IfMissing::Refuse) return file + ": there is no such file";
  if (!given.has_filename()) return file + ": is no name of a file";
  const fs::path folder = fs::canonical(given.has_parent_path() ? given.parent_path() : ".", error);
  if (error) return file + ": its folder cannot be used: " + error.message() + "; make it first";
  path_ = (folder / given.filename()).string();
  folder_ = folder.string();
  is_new_ = true;
  return {};
}

std::string KeyFileStore::open(const std::string& file, IfMissing missing,
                               std::chrono::milliseconds deadline) {
  if (std::string error = resolve(file, missing); !error.empty()) return error;
  if (std::string error = lockFile(path_ + ".lock", deadline, lock_); !error.empty()) return error;
  // Only now: who held the lock may have made or replaced the file.
  is_new_ = false;
  if (::stat(path_.c_str(), &status_) != 0) {
    if (errno != ENOENT || missing == IfMissing::Refuse) {
      return path_ + ": cannot be read: " + systemError();
    }
    is_new_ = true;
    return {};
  }
  config::FileText read = readKeyFile(path_);
  if (!read.error.empty()) return path_ + ": " + read.error;
  text_ = std::move(read.text);
  return {};
}

// The mode comes after the owner, because a change of owner clears bits of it; the ACL comes last,
// because a folder may have given the new file one of its own.
std::string KeyFileStore::copyAttributes(int fd) const {
  if (is_new_) return ::fchmod(fd, kNewMode) == 0 ? std::string() : "mode: " + systemError();
  struct stat ours {};
  if (::fstat(fd, &ours) != 0) return systemError();
  if ((ours.st_uid != status_.st_uid || ours.st_gid != status_.st_gid) &&
      ::fchown(fd, status_.st_uid, status_.st_gid) != 0) {
    return "it cannot be given to the file's owner and group (" + std::to_string(status_.st_uid) +
           ":" + std::to_string(status_.st_gid) + "): " + systemError();
  }
  if (::fchmod(fd, status_.st_mode & 07777) != 0) return "mode: " + systemError();
  std::string acl(kMaxAcl, '\0');
  const ssize_t size = ::getxattr(path_.c_str(), kAcl, acl.data(), acl.size());
  if (size < 0 && errno != ENODATA && errno != ENOTSUP) return "ACL: " + systemError();
  const int done = size > 0 ? ::fsetxattr(fd, kAcl, acl.data(), static_cast<std::size_t>(size), 0)
                            : ::fremovexattr(fd, kAcl);
  if (done != 0 && errno != ENODATA && errno != ENOTSUP) return "ACL: " + systemError();
  return {};
}

std::string KeyFileStore::prepare(std::string_view text) {
  if (text.size() > kMaxKeyFile) return path_ + ": would be larger than 1 GiB";
  const std::string temp =
      folder_ + "/." + std::filesystem::path(path_).filename().string() + ".agent-executor-new";
  // A file of this name is what a killed editor left: we hold the lock.
  ::unlink(temp.c_str());
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const io::UniqueFd fd(::open(temp.c_str(), kFlags, 0600));
  if (!fd) return temp + ": cannot be made: " + systemError();
  temp_ = temp;
  if (std::string error = copyAttributes(fd.get()); !error.empty()) return temp + ": " + error;
  if (std::string error = writeAll(fd.get(), text); !error.empty()) {
    return temp + ": cannot be written: " + error;
  }
  if (::fsync(fd.get()) != 0) return temp + ": cannot be written: " + systemError();
  return {};
}

bool KeyFileStore::isUnchanged() const {
  struct stat now {};
  if (::lstat(path_.c_str(), &now) != 0) return is_new_ && errno == ENOENT;
  return !is_new_ && now.st_dev == status_.st_dev && now.st_ino == status_.st_ino &&
         now.st_size == status_.st_size && isSameTime(now.st_mtim, status_.st_mtim) &&
         isSameTime(now.st_ctim, status_.st_ctim);
}

std::string KeyFileStore::replace() {
  if (!isUnchanged()) {
    return path_ + ": another program has changed the file in the meantime; try again";
  }
  if (::rename(temp_.c_str(), path_.c_str()) != 0) {
    return path_ + ": cannot be replaced: " + systemError();
  }
  temp_.clear();
  return {};
}

std::string KeyFileStore::syncFolder() const {
  const io::UniqueFd fd(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd && ::fsync(fd.get()) == 0) return {};
  return folder_ + ": cannot be brought to the disk: " + systemError();
}

}  // namespace agw::cli
