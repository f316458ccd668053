// The command line of `agent-executor keys`.
#pragma once

#include <array>
#include <string>

namespace CLI {
class App;
}  // namespace CLI

namespace agw::cli {

// The options write into this object: it must live as long as the App.
class KeysCommand {
 public:
  explicit KeysCommand(CLI::App& app);
  KeysCommand(const KeysCommand&) = delete;
  KeysCommand& operator=(const KeysCommand&) = delete;

  bool isChosen() const;
  // The exit status. Uses the standard streams and the clock of the process.
  int run();

 private:
  static constexpr std::size_t kWords = 10;

  CLI::App* addSubcommand(const std::string& name, const std::string& help);
  CLI::App* addChange(const std::string& name, const std::string& help);
  void addFileOption(CLI::App& command);
  int report();

  CLI::App* keys_ = nullptr;
  CLI::App* add_ = nullptr;
  CLI::App* list_ = nullptr;
  CLI::App* revoke_ = nullptr;
  CLI::App* rotate_ = nullptr;
  CLI::App* check_ = nullptr;

  std::string file_ = "/etc/agent-gateway/api_keys";
  std::string audit_file_;
  std::string id_;
  std::array<std::string, kWords> values_;  // in the order of the table of words
  std::string hash_prefix_;
  std::string grace_;
  bool is_json_ = false;
};

}  // namespace agw::cli
