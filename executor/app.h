// Builds every part of a serving executor, runs it and takes it down again.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/load.h"
#include "telemetry/log.h"

namespace agw {

struct AppInput {
  config::LoadResult config;  // without problems
  std::vector<std::string> edge_secrets;
  std::function<config::LoadResult()> load;  // the configuration anew
};

// Serves until SIGTERM or SIGINT, then drains. Returns the process's exit code. Throws
// std::runtime_error when the server cannot start.
int runApp(AppInput input, telemetry::Log& log);

}  // namespace agw
