// What must hold of a configuration file's bytes before a YAML parser sees them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "config/problems.h"

namespace agw::config {

// Size, NUL bytes, UTF-8. False after a problem in the file `file` of `problems`.
bool checkYamlText(std::string_view text, std::size_t file, Problems& problems);

// JSON writes characters beyond U+FFFF as two escapes (\ud83d\ude00), which YAML does not know:
// they become the character itself. Columns behind one on its line are lower by 8 then.
std::string joinJsonSurrogates(std::string_view text);

}  // namespace agw::config
