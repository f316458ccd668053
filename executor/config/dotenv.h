// The .env file: KEY=value lines that stand in for environment variables which are not set.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "config/load.h"
#include "config/problems.h"

namespace agw::config {

inline constexpr std::size_t kMaxDotenvBytes = 1024 * 1024;

// `text` is the file `file` of `problems`. Lines may begin with "export "; values stand bare (up to
// " #"), in '...' as they are, or in "..." with the escapes \n \r \t \\ \" \$. Nothing is expanded
// in them, and a value ends on its line. No message holds any of a value.
std::map<std::string, std::string> parseDotenv(std::string_view text, std::size_t file,
                                               Problems& problems);

// What `process` has, then what `variables` hold.
Environment withDotenv(Environment process, std::map<std::string, std::string> variables);

}  // namespace agw::config
