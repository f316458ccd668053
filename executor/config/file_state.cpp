#include "config/file_state.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <tuple>

namespace agw::config {
namespace {

constexpr std::int64_t kTick = 20'000'000;  // ns: above the 10 ms of the slowest kernels

std::int64_t nanoseconds(const timespec& time) {
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

std::int64_t now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return nanoseconds(time);
}

}  // namespace

bool FileState::operator==(const FileState& other) const {
  const auto fields = [](const FileState& state) {
    return std::tie(state.device, state.inode, state.size, state.modified_ns, state.changed_ns,
                    state.error);
  };
  return fields(*this) == fields(other);
}

bool FileState::isFresh() const { return taken_ns - changed_ns < kTick; }

FileState stateOf(const std::string& file) {
  FileState state;
  state.taken_ns = now();
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) {
    state.error = errno;
    return state;
  }
  state.device = info.st_dev;
  state.inode = info.st_ino;
  state.size = info.st_size;
  state.modified_ns = nanoseconds(info.st_mtim);
  state.changed_ns = nanoseconds(info.st_ctim);
  if (::access(file.c_str(), R_OK) != 0) state.error = errno;
  return state;
}

}  // namespace agw::config
