// `agent-executor check`: reads a configuration as `serve` would and says what it found.
#pragma once

#include <ostream>
#include <string>

namespace agw::cli {

// Every problem to `err`, one a line, and 1; or a summary and warnings to `out`, and 0.
int checkConfig(const std::string& file, std::ostream& out, std::ostream& err);

}  // namespace agw::cli
