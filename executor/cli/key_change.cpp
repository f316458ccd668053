#include "cli/key_change.h"

#include <csignal>
#include <ostream>
#include <system_error>

namespace agw::cli {
namespace {

// Ctrl-C and the like wait: between the audit line and the rename they would leave a line about
// something that has not happened.
class SignalsHeldBack {
 public:
  SignalsHeldBack() {
    sigset_t held;
    ::sigemptyset(&held);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) ::sigaddset(&held, signal);
    if (const int error = ::pthread_sigmask(SIG_BLOCK, &held, &before_); error != 0) {
      throw std::system_error(error, std::generic_category(), "pthread_sigmask");
    }
  }
  ~SignalsHeldBack() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeldBack(const SignalsHeldBack&) = delete;
  SignalsHeldBack& operator=(const SignalsHeldBack&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

bool KeyChange::say(const std::string& error) const {
  context_.err << error << '\n';
  return false;
}

bool KeyChange::open(IfMissing missing) {
  const std::string error = store_.open(context_.file, missing, context_.lock_deadline);
  if (!error.empty()) return say(error + "\nnothing was changed");
  file_ = parseKeyFile(store_.text());
  if (file_.problems.empty()) return true;
  printProblems(context_.err, context_.file, file_);
  return say("nothing was changed: put these lines right first");
}

std::vector<const KeyEntry*> KeyChange::entriesOf(const std::string& id) const {
  std::vector<const KeyEntry*> entries;
  for (const KeyEntry& entry : file_.keys) {
    if (entry.key.id == id) entries.push_back(&entry);
  }
  return entries;
}

std::size_t KeyChange::positionOf(const KeyEntry& entry) const {
  return static_cast<std::size_t>(entry.text.data() - store_.text().data());
}

bool KeyChange::commit(const std::vector<LineEdit>& edits, const AuditRecord& record,
                       const KeySecret* secret) {
  std::string text = editLines(store_.text(), edits);
  // nginx takes an empty file for one that somebody is about to write, and would keep the old keys.
  if (text.empty()) text = "# no keys\n";
  if (const KeyFile changed = parseKeyFile(text); !changed.problems.empty()) {
    printProblems(context_.err, context_.file, changed);
    return say("nothing was changed: that is how the file would have become");
  }
  std::string error = store_.prepare(text);
  if (!error.empty()) return say(error + "\nnothing was changed");

  const KeyAudit audit(context_.audit_file.empty() ? store_.path() + ".audit" : context_.audit_file,
                       context_.actor, context_.lock_deadline);
  const SignalsHeldBack held_back;
  error = audit.append(record, context_.now_unix);
  if (!error.empty()) return say(error + "\nnothing was changed");
  if (secret != nullptr) error = context_.show_secret(*secret);
  const bool is_shown = secret != nullptr && error.empty();
  if (error.empty()) error = store_.replace();
  if (!error.empty()) {
    say(error + "\nnothing was changed" + (is_shown ? "; forget the secret that was shown" : ""));
    const std::string second = audit.appendFailure(record, context_.now_unix, error);
    return second.empty() ? false : say(second + "\nits last line is about this failed change");
  }
  error = store_.syncFolder();
  if (!error.empty()) say("the change is made, but may not survive a power failure: " + error);
  return true;
}

}  // namespace agw::cli
