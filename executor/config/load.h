// Reads the configuration file: the same code for `check`, `serve` and reloads.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/file_state.h"
#include "config/settings.h"

namespace agw::config {

struct Problem {
  std::string file;
  std::size_t line = 0;  // from 1; 0: the whole file
  std::size_t column = 0;
  std::string path;     // YAML path, e.g. agents[0].tools[1].provider
  std::string message;  // what is wrong and what to write instead; never a secret's value
};

// "file:line:column: path: message"
std::string formatProblem(const Problem& problem);

// Looks an environment variable up; nullopt when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

struct LoadResult {
  Settings settings;              // meaningful when problems is empty
  std::vector<Problem> problems;  // all of them, in file order
  std::vector<Problem> warnings;  // parts that load but cannot run (status: error)
  // Every file that was looked for, absolute, each once: the configuration, .env, what it includes
  // and files of secrets. Those that are not there or could not be read are among them.
  std::vector<SeenFile> files;
};

class YamlCache;

// Reads `.env` beside the file, too: a variable that `environment` does not have may stand there.
// With `trees`, which is kept from one load of the file to the next, what has not changed is not
// parsed again.
LoadResult loadSettings(const std::string& file, const Environment& environment,
                        YamlCache* trees = nullptr);
// The same for text that is already there, as if it stood in `file_name`; without .env.
LoadResult parseSettings(const std::string& yaml_text, const std::string& file_name,
                         const Environment& environment);
Environment processEnvironment();

}  // namespace agw::config
