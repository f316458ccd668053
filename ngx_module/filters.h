// The header and body filters of responses.
#pragma once

#include "ngx_module/ngx.h"

namespace agw {

// Puts both filters on top of those that are there. The module's place in nginx's order (after the
// copy filter, before gzip) makes them see plain bytes.
void installFilters() noexcept;

}  // namespace agw
