// Who changed which key and when: one JSON line a change, in a file that only grows.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace agw::cli {

struct Actor {
  uid_t uid = 0;
  std::string user;       // "" when the system knows no name
  std::string sudo_user;  // "" without sudo
};
Actor processActor();

struct AuditRecord {
  std::string action;  // "key.add"
  std::string key_id;
  std::string hash;    // the first eight hex digits
  std::string detail;  // a JSON object
};

class KeyAudit {
 public:
  KeyAudit(std::string path, Actor actor, std::chrono::milliseconds lock_deadline);

  // Before the change. What went wrong, or an empty text; then the line is on the disk.
  std::string append(const AuditRecord& record, std::int64_t now_unix) const;
  // The change that was announced has not been made.
  std::string appendFailure(const AuditRecord& record, std::int64_t now_unix,
                            const std::string& reason) const;

 private:
  std::string write(std::string line) const;

  std::string path_;
  Actor actor_;
  std::chrono::milliseconds lock_deadline_;
};

}  // namespace agw::cli
