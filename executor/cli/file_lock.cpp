#include "cli/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <system_error>
#include <thread>

namespace agw::cli {
namespace {

// flock has no time limit of its own, so it is asked again and again.
constexpr std::chrono::milliseconds kRetry{10};

std::string systemError() { return std::generic_category().message(errno); }

}  // namespace

std::string waitForLock(int fd, const std::string& path, std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR)
      return path + ": cannot be locked: " + systemError();
    if (std::chrono::steady_clock::now() >= end) {
      return path + ": another program has held this lock for " + std::to_string(deadline.count()) +
             " ms; try again when it has ended";
    }
    std::this_thread::sleep_for(kRetry);
  }
  return {};
}

std::string lockFile(const std::string& path, std::chrono::milliseconds deadline,
                     io::UniqueFd& fd) {
  constexpr int kFlags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  fd = io::UniqueFd(::open(path.c_str(), kFlags, 0600));
  if (!fd) return path + ": cannot be opened: " + systemError();
  return waitForLock(fd.get(), path, deadline);
}

}  // namespace agw::cli
