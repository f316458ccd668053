// The file from which this module was loaded, and whether another stands in its place by now.
#pragma once

#include "ngx_module/ngx.h"

namespace agw {

// In the master, when a configuration takes over. The dynamic loader does not load a file again
// whose name it knows, so after a reload a new file of the same name is not in use: that is said.
void lookAtModuleFile(ngx_log_t* log) noexcept;

}  // namespace agw
