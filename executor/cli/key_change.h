// One change of the key file, from the lock to the rename.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "cli/key_audit.h"
#include "cli/key_file.h"
#include "cli/key_file_store.h"
#include "cli/key_secret.h"
#include "cli/key_words.h"

namespace agw::cli {

// What the commands that change keys get from outside.
struct KeysContext {
  std::string file;
  std::string audit_file;     // "": `<file>.audit`, beside what links lead to
  std::int64_t now_unix = 0;  // when the command was given
  Actor actor;
  std::chrono::milliseconds lock_deadline{5000};
  // Shows a new secret, once. What went wrong, or an empty text.
  std::function<std::string(const KeySecret&)> show_secret;
  std::ostream& err;  // for people; never gets a secret
};

class KeyChange {
 public:
  explicit KeyChange(const KeysContext& context) : context_(context) {}

  // Locks, reads and checks the file. False after saying why not.
  bool open(IfMissing missing);

  const std::string& text() const { return store_.text(); }
  const KeyFile& file() const { return file_; }  // of text()
  bool isNewFile() const { return store_.isNew(); }
  std::vector<const KeyEntry*> entriesOf(const std::string& id) const;
  // Where an entry of file() begins in text().
  std::size_t positionOf(const KeyEntry& entry) const;

  // In this order, so that a failure leaves the file as it was: the new text is checked and on the
  // disk, the audit line is on the disk, the secret has been shown, and then the file is replaced.
  // False after saying why not; a failure after the audit line gets an audit line of its own.
  bool commit(const std::vector<LineEdit>& edits, const AuditRecord& record,
              const KeySecret* secret);

 private:
  bool say(const std::string& error) const;  // always false

  const KeysContext& context_;
  KeyFileStore store_;
  KeyFile file_;
};

}  // namespace agw::cli
