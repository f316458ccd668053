#include "config/file_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace agw::config {
namespace {

constexpr std::size_t kMaxSecretFile = 64 * 1024;

class File {
 public:
  explicit File(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

std::string systemError(int error) { return std::generic_category().message(error); }

std::string absolutePath(const std::string& path) {
  std::error_code failed;
  const auto absolute = std::filesystem::absolute(path, failed);
  return failed ? path : absolute.lexically_normal().string();
}

}  // namespace

FileText readRegularFile(const std::string& path, std::size_t most) {
  const File file(path);
  if (file.fd() < 0) {
    const int error = errno;
    return {{}, "cannot be opened: " + systemError(error), error == ENOENT};
  }
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0) return {{}, "cannot be read: " + systemError(errno)};
  if (!S_ISREG(status.st_mode)) return {{}, "is not a regular file"};

  FileText out;
  std::string buffer(64 * 1024, '\0');
  for (;;) {
    const ssize_t size = ::read(file.fd(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return {{}, "cannot be read: " + systemError(errno)};
    if (size == 0) return out;
    out.text.append(buffer, 0, static_cast<std::size_t>(size));
    if (out.text.size() > most) {
      return {{}, "is larger than " + std::to_string(most / 1024) + " KiB"};
    }
  }
}

FileText FileReader::text(const std::string& path, std::size_t most) {
  std::string absolute = absolutePath(path);
  const bool is_known = std::any_of(seen_.begin(), seen_.end(),
                                    [&](const SeenFile& file) { return file.path == absolute; });
  if (!is_known) {
    FileState state = stateOf(absolute);
    seen_.push_back({std::move(absolute), state});
  }
  return readRegularFile(path, most);
}

SecretFile FileReader::secret(const std::string& path) {
  FileText file = text(path, kMaxSecretFile);
  if (!file.error.empty()) return {{}, std::move(file.error)};
  std::string& secret = file.text;
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  if (secret.empty()) return {{}, "is empty; it must hold the secret on one line"};
  if (secret.find('\n') != std::string::npos) {
    return {{}, "has several lines; it must hold the secret on one line"};
  }
  return {std::move(secret), {}};
}

}  // namespace agw::config
