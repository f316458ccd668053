// GET /health, /ready and /.
#pragma once

#include "api/router.h"

namespace agw::api {

// The process answers; nothing else is looked at.
net::awaitable<Result<void>> health(RequestContext& context, const ThreadParts& parts);
// 503 with the failing parts while no new work should be sent here.
net::awaitable<Result<void>> ready(RequestContext& context, const ThreadParts& parts);

}  // namespace agw::api
