#include "cli/keys_command.h"

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <ctime>
#include <iostream>
#include <stdexcept>
#include <utility>
#include <vector>

#include "cli/keys.h"
#include "cli/keys_report.h"

namespace agw::cli {
namespace {

constexpr std::chrono::milliseconds kShowDeadline{5000};

struct WordOption {
  const char* word;
  const char* flag;
  const char* type;
  const char* help;
};
// In the order in which they stand in a line.
constexpr WordOption kWordOptions[] = {
    {"allow", "--allow", "GLOBS", "Models and agents it may use, e.g. default/*,research/*"},
    {"deny", "--deny", "GLOBS", "What it may not use all the same"},
    {"scopes", "--scopes", "LIST", "Some of chat,mcp,runs,admin; without it chat"},
    {"act_as", "--act-as", "NAME", "The name under which its agents act"},
    {"requests", "--requests", "RATE", "e.g. 60/m"},
    {"burst", "--burst", "N", "Requests that may come at once"},
    {"tokens", "--tokens", "RATE", "e.g. 100k/m"},
    {"streams", "--streams", "N", "Chat requests that may run at the same time"},
    {"max_run", "--max-run", "TIME", "Longest run, e.g. 600s"},
    {"expires", "--expires", "TIME", "2027-06-30T00:00:00Z, or from now on: 30d"},
};

// A descriptor that is closed would become a file of ours, with what is printed in it: the secret
// in the audit file. False when standard output is closed.
bool openStandardStreams() {
  const bool has_output = ::fcntl(STDOUT_FILENO, F_GETFD) != -1;
  for (;;) {
    const int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0) throw std::runtime_error("/dev/null cannot be opened");
    if (fd <= STDERR_FILENO) continue;
    ::close(fd);
    return has_output;
  }
}

KeysContext processContext(const std::string& file, const std::string& audit_file) {
  return {
      .file = file,
      .audit_file = audit_file,
      .now_unix = std::time(nullptr),
      .actor = processActor(),
      .show_secret =
          [](const KeySecret& secret) { return writeSecret(STDOUT_FILENO, secret, kShowDeadline); },
      .err = std::cerr};
}

}  // namespace

KeysCommand::KeysCommand(CLI::App& app) {
  static_assert(std::size(kWordOptions) == kWords);
  keys_ = app.add_subcommand("keys", "Keys of the edge: add, list, revoke, rotate, check");
  keys_->require_subcommand(1);
  addFileOption(*keys_);

  add_ = addChange("add", "Add a key; its secret goes to standard output, once");
  for (std::size_t i = 0; i < kWords; ++i) {
    const WordOption& option = kWordOptions[i];
    add_->add_option(option.flag, values_[i], option.help)->type_name(option.type);
  }
  list_ = addSubcommand("list", "Show all keys, without secrets and hashes");
  list_->add_flag("--json", is_json_, "As JSON");
  revoke_ = addChange("revoke", "Remove a key, or one of its secrets");
  revoke_->add_option("--hash", hash_prefix_, "The secret whose hash begins so, 8 digits or more")
      ->type_name("PREFIX");
  rotate_ = addChange("rotate", "Give a key another secret; it goes to standard output, once");
  rotate_->add_option("--grace", grace_, "The older secrets end after this time, e.g. 7d")
      ->type_name("TIME");
  check_ = addSubcommand("check", "Check the key file as nginx does");
}

CLI::App* KeysCommand::addSubcommand(const std::string& name, const std::string& help) {
  CLI::App* command = keys_->add_subcommand(name, help);
  addFileOption(*command);
  return command;
}

// Before the subcommand's name and behind it.
void KeysCommand::addFileOption(CLI::App& command) {
  command.add_option("-f,--file", file_, "Key file")->type_name("FILE")->capture_default_str();
}

CLI::App* KeysCommand::addChange(const std::string& name, const std::string& help) {
  CLI::App* command = addSubcommand(name, help);
  command->add_option("ID", id_, "Whose key it is")->required();
  command->add_option("--audit", audit_file_, "Audit file; default: the key file's name and .audit")
      ->type_name("FILE");
  return command;
}

bool KeysCommand::isChosen() const { return keys_->parsed(); }

int KeysCommand::run() {
  const bool has_output = openStandardStreams();
  // A reader that has gone and a file that may not grow are errors to report, not ends.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  if (!has_output && !*revoke_) {
    std::cerr << "standard output is closed; nothing was done\n";
    return EXIT_FAILURE;
  }
  if (*list_ || *check_) return report();
  const KeysContext context = processContext(file_, audit_file_);
  if (*revoke_) return revokeKeys(context, id_, hash_prefix_);
  if (*rotate_) return rotateKey(context, id_, grace_);
  std::vector<KeyWord> words;
  for (std::size_t i = 0; i < kWords; ++i) {
    if (add_->count(kWordOptions[i].flag) != 0) words.push_back({kWordOptions[i].word, values_[i]});
  }
  return addKey(context, id_, std::move(words));
}

int KeysCommand::report() {
  const std::int64_t now = std::time(nullptr);
  const ListForm form = is_json_ ? ListForm::Json : ListForm::Table;
  const int status = *check_ ? checkKeys(file_, now, std::cout, std::cerr)
                             : listKeys(file_, form, now, std::cout, std::cerr);
  if (!std::cout.flush()) throw std::runtime_error("standard output cannot be written");
  return status;
}

}  // namespace agw::cli
