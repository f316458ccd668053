// Who may read the files that directives name.
#pragma once

#include <string>

#include "ngx_module/ngx.h"

namespace agw {

// Whether the workers, which run as `core.user`, can open the file for reading. Always true when
// the master is not root: then workers run as the same user. On failure
// `error` says why, in words for the operator.
bool workersCanRead(const char* path, const ngx_core_conf_t& core, std::string& error);

// True when users other than owner and group may read the file.
bool isWorldReadable(const char* path) noexcept;

}  // namespace agw
