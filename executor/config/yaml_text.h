// What must hold of a configuration file's bytes before a YAML parser sees them.
#pragma once

#include <string_view>

#include "config/problems.h"

namespace agw::config {

// Size, NUL bytes, UTF-8. False after a problem.
bool checkYamlText(std::string_view text, Problems& problems);

}  // namespace agw::config
