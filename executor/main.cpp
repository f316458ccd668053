// agent-executor: runs the agents behind the edge.

#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>
#include <memory>
#include <string>

#include "app.h"
#include "cli/check_config.h"
#include "cli/keys_command.h"
#include "cli/serve.h"
#include "config/json_schema.h"
#include "config/yaml_cache.h"
#include "telemetry/log.h"

namespace {

constexpr auto kDefaultConfig = "/etc/agent-gateway/gateway.yaml";

agw::telemetry::Level logLevel(const std::string& word) {
  if (word == "debug") return agw::telemetry::Level::Debug;
  if (word == "warn") return agw::telemetry::Level::Warn;
  if (word == "error") return agw::telemetry::Level::Error;
  return agw::telemetry::Level::Info;
}

int serve(const agw::cli::ServeFlags& flags) {
  agw::cli::ServeInput input;
  if (!agw::cli::prepareServe(flags, input, std::cerr)) return EXIT_FAILURE;
  const agw::config::LogSettings& log_settings = input.config.settings.log;
  const auto log = agw::telemetry::makeLog(log_settings.file, logLevel(log_settings.level));
  agw::AppInput app;
  app.edge_secrets = std::move(input.edge_secrets);
  // Filled by the first reload: who never changes the configuration does not pay for it.
  app.load = [flags, trees = std::make_shared<agw::config::YamlCache>()] {
    return agw::cli::loadForServe(flags, trees.get());
  };
  app.config = std::move(input.config);
  return agw::runApp(std::move(app), *log);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The executor of the agent gateway", "agent-executor");
  app.set_version_flag("--version", AGW_VERSION);
  app.require_subcommand(1);

  agw::cli::ServeFlags flags;
  flags.config_file = kDefaultConfig;
  CLI::App* serve_command = app.add_subcommand("serve", "Serve agents to the edge");
  serve_command->add_option("-c,--config", flags.config_file, "Configuration file")
      ->capture_default_str();
  serve_command->add_option("--listen", flags.listen, "unix:PATH or IP:PORT; wins over the file");
  serve_command->add_option("--threads", flags.threads, "Worker threads; wins over the file");

  std::string checked_file = kDefaultConfig;
  CLI::App* check_command = app.add_subcommand("check", "Check a configuration file");
  check_command->add_option("-c,--config,file", checked_file, "Configuration file")
      ->capture_default_str();
  bool is_print = false, is_schema = false;
  CLI::Option* print_option = check_command->add_flag(
      "--print", is_print, "Print the settings with every default, and *** for secrets");
  check_command->add_flag("--schema", is_schema, "Print the JSON Schema of configuration files")
      ->excludes(print_option);

  agw::cli::KeysCommand keys_command(app);

  CLI11_PARSE(app, argc, argv);
  try {
    if (is_schema) {
      std::cout << agw::config::jsonSchema();
      return EXIT_SUCCESS;
    }
    if (*check_command) {
      using agw::cli::CheckOutput;
      const auto output = is_print ? CheckOutput::Settings : CheckOutput::Summary;
      return agw::cli::checkConfig(checked_file, output, std::cout, std::cerr);
    }
    if (keys_command.isChosen()) return keys_command.run();
    return serve(flags);
  } catch (const std::exception& error) {
    std::cerr << "agent-executor: " << error.what() << "\n";
    return EXIT_FAILURE;
  }
}
