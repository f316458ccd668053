#include "cli/key_audit.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "base/json_reader.h"
#include "cli/file_lock.h"
#include "cli/key_time.h"
#include "io/unique_fd.h"

namespace agw::cli {
namespace {

constexpr std::size_t kMaxName = 256;  // what others say about themselves is cut

std::string systemError() { return std::generic_category().message(errno); }

Json recordJson(const AuditRecord& record, const Actor& actor, std::int64_t now_unix) {
  Json who = {{"uid", actor.uid}};
  if (!actor.user.empty()) who["user"] = actor.user.substr(0, kMaxName);
  if (!actor.sudo_user.empty()) who["sudo_user"] = actor.sudo_user.substr(0, kMaxName);
  return {{"ts", formatUtcTime(now_unix)}, {"action", record.action},
          {"key_id", record.key_id},       {"hash", record.hash},
          {"actor", std::move(who)},       {"detail", Json::parse(record.detail)}};
}

// Whether the last line of the file was cut, by a full disk or a power failure.
bool endsWithinLine(int fd, off_t size) {
  char last = '\n';
  return size > 0 && ::pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

}  // namespace

Actor processActor() {
  Actor actor{::getuid(), {}, {}};
  std::array<char, 16 * 1024> buffer;
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(actor.uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found) {
    actor.user = found->pw_name;
  }
  if (const char* name = std::getenv("SUDO_USER")) actor.sudo_user = name;
  return actor;
}

KeyAudit::KeyAudit(std::string path, Actor actor, std::chrono::milliseconds lock_deadline)
    : path_(std::move(path)), actor_(std::move(actor)), lock_deadline_(lock_deadline) {}

std::string KeyAudit::append(const AuditRecord& record, std::int64_t now_unix) const {
  return write(dumpJson(recordJson(record, actor_, now_unix)) + '\n');
}

std::string KeyAudit::appendFailure(const AuditRecord& record, std::int64_t now_unix,
                                    const std::string& reason) const {
  Json line = recordJson(record, actor_, now_unix);
  line["result"] = "failed";
  line["error"] = reason;
  return write(dumpJson(line) + '\n');
}

// Locked, because a line of which only a part could be written is taken back, and nobody may have
// written behind it.
std::string KeyAudit::write(std::string line) const {
  constexpr int kFlags = O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  const io::UniqueFd fd(::open(path_.c_str(), kFlags, 0600));
  if (!fd) return path_ + ": the audit file cannot be opened: " + systemError();
  if (std::string error = waitForLock(fd.get(), path_, lock_deadline_); !error.empty()) {
    return error;
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) {
    return path_ + ": the audit file cannot be read: " + systemError();
  }
  if (!S_ISREG(status.st_mode)) return path_ + ": the audit file is not a regular file";
  if (endsWithinLine(fd.get(), status.st_size)) line.insert(0, 1, '\n');
  const ssize_t size = ::write(fd.get(), line.data(), line.size());
  if (size == static_cast<ssize_t>(line.size()) && ::fsync(fd.get()) == 0) return {};
  std::string error = path_ + ": the audit file cannot be written: ";
  error +=
      size >= 0 && size < static_cast<ssize_t>(line.size()) ? "no space is left" : systemError();
  if (size > 0 && ::ftruncate(fd.get(), status.st_size) != 0) {
    error += "; a part of the line stands at its end";
  }
  return error;
}

}  // namespace agw::cli
