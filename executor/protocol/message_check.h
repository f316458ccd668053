// The messages of a chat completion request: what OpenAI's schema asks for, and no more. Fields and
// kinds of parts that nobody knows here are the upstream's business. Pure.
#pragma once

#include "base/error.h"
#include "base/json_reader.h"

namespace agw::protocol {

// "messages" of the request.
Result<void> checkMessages(const Json& request);

}  // namespace agw::protocol
