// GET /tools: every configured tool, for admins.
#pragma once

#include "api/router.h"

namespace agw::api {

net::awaitable<Result<void>> listTools(RequestContext& context, const ThreadParts& parts);

}  // namespace agw::api
