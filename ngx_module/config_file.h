// Files that directives name, read in the configuration phase.
#pragma once

#include <string>
#include <string_view>

#include "ngx_module/ngx.h"

namespace agw {

// The whole file. On failure false, and `error` says why in words for the operator.
bool readConfigFile(const char* path, std::size_t max_size, std::string& text, std::string& error);

// Whether the workers, which run as `core.user`, can open the file for reading. Always true when
// the master is not root: then workers run as the same user. `error` as above.
bool workersCanRead(const char* path, const ngx_core_conf_t& core, std::string& error);

// True when users other than owner and group may read the file.
bool isWorldReadable(const char* path) noexcept;

}  // namespace agw
