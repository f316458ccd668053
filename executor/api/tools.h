// The tools of the configuration, for administrators.
#pragma once

#include "api/router.h"

namespace agw::api {

// GET /tools. Of tools of MCP servers it says what this thread's session knows.
net::awaitable<Result<void>> listTools(RequestContext& context, const ThreadParts& parts);

// POST /tools/refresh: asks every MCP server for its tools anew, on all threads, and answers as GET
// does.
net::awaitable<Result<void>> refreshTools(RequestContext& context, const ThreadParts& parts);

}  // namespace agw::api
