#include "ngx_module/file_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "ngx_module/work_pieces.h"

namespace agw {
namespace {

constexpr std::size_t kPiece = 64 * 1024;  // of a read

class FileDescriptor {
 public:
  explicit FileDescriptor(const char* path)
      : fd_(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~FileDescriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string systemError(const char* what) {
  return std::string(what) + ": " + std::strerror(errno);
}

std::int64_t nanoseconds(const timespec& time) noexcept {
  return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

FileVersion versionFrom(const struct stat& info) noexcept {
  return {.device = info.st_dev,
          .inode = info.st_ino,
          .size = static_cast<std::uint64_t>(info.st_size),
          .modified_ns = nanoseconds(info.st_mtim),
          .changed_ns = nanoseconds(info.st_ctim)};
}

}  // namespace

FileVersion versionOf(const char* path) noexcept {
  struct stat info {};
  if (::stat(path, &info) != 0) {
    return {.error = errno};
  }
  // A file that may not be read is another version than the same file when it may.
  FileVersion version = versionFrom(info);
  version.error = ::access(path, R_OK) == 0 ? 0 : errno;
  return version;
}

bool readWholeFile(const char* path, std::size_t max_size, std::string& text, FileVersion& version,
                   std::string& error) {
  FileDescriptor file(path);
  struct stat info {};
  if (file.get() < 0 || ::fstat(file.get(), &info) != 0) {
    error = systemError("cannot be opened");
    return false;
  }
  version = versionFrom(info);
  if (!S_ISREG(info.st_mode)) {
    error = "is not a regular file";
    return false;
  }
  if (static_cast<std::size_t>(info.st_size) > max_size) {
    error = "is larger than " + std::to_string(max_size) + " bytes";
    return false;
  }
  // One byte more than its size shows a file that grew meanwhile.
  const std::size_t most = static_cast<std::size_t>(info.st_size) + 1;
  text.clear();
  text.reserve(most);
  WorkPieces pieces;
  std::size_t size = 0;
  while (size < most) {
    text.resize(std::min(most, size + kPiece));
    const ssize_t n = ::read(file.get(), text.data() + size, text.size() - size);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      error = systemError("cannot be read");
      return false;
    }
    if (n == 0) {
      text.resize(size);
      return true;
    }
    size += static_cast<std::size_t>(n);
    pieces.note(static_cast<std::size_t>(n));
  }
  error = "changed while it was read; replace it by renaming a complete file";
  return false;
}

}  // namespace agw
