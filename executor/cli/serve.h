// The `serve` subcommand, up to the point where everything that can be checked has been checked.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>

#include "config/load.h"

namespace agw::cli {

struct ServeFlags {
  std::string config_file;
  std::string listen;    // "" = from the configuration
  unsigned threads = 0;  // 0 = from the configuration
};

struct ServeInput {
  config::LoadResult config;
  std::vector<std::string> edge_secrets;
};

// The file with the flags over it; `trees` as for loadSettings.
config::LoadResult loadForServe(const ServeFlags& flags, config::YamlCache* trees = nullptr);

// False: `err` says why, as `check` would.
bool prepareServe(const ServeFlags& flags, ServeInput& input, std::ostream& err);

}  // namespace agw::cli
