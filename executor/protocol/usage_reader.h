// Token counts as upstreams write them. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "shared/edge_headers.h"

namespace agw::protocol {

// The value of "usage"; nothing when it holds no count of the prompt. Counts may be written as 7.0,
// under the names input_tokens and output_tokens, and without a total.
std::optional<Usage> readUsage(std::string_view json);

// The same value for clients: as it is when it has all three counts, else with those put right.
std::string cleanUsage(std::string_view json, const Usage& usage);

}  // namespace agw::protocol
