// The tools of a chat completion request and the choice among them. Kinds that nobody knows here
// are the upstream's business. Pure.
#pragma once

#include <string>

#include "base/error.h"
#include "base/json_reader.h"

namespace agw::protocol {

// The name of an element of "tools", which stands at `path`; "" for a kind that has no function.
Result<std::string> readToolName(const Json& tool, const std::string& path);

// "tool_choice" of the request.
Result<void> checkToolChoice(const Json& request);

}  // namespace agw::protocol
