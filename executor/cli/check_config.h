// `agent-executor check`: reads a configuration as `serve` would and says what it found.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "config/load.h"

namespace agw::cli {

enum class CheckOutput {
  Summary,   // one line, and the warnings
  Settings,  // YAML with every default and no secret; warnings go to `err`
};

// Every problem to `err`, one a line, and 1; or what `output` says to `out`, and 0.
int checkConfig(const std::string& file, CheckOutput output, std::ostream& out, std::ostream& err);

// One line a problem and their count: the same text for `check` and `serve`.
void reportProblems(const std::string& file, const std::vector<config::Problem>& problems,
                    std::ostream& err);

}  // namespace agw::cli
