// The options of a chat completion request that the gateway knows the type of. What their values
// mean is the upstream's business. Pure.
#pragma once

#include "base/error.h"
#include "base/json_reader.h"

namespace agw::protocol {

Result<void> checkOptions(const Json& request);

}  // namespace agw::protocol
