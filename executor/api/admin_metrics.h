// GET /admin/metrics: what the executor has counted since it started, as JSON.
#pragma once

#include "api/request_context.h"
#include "api/snapshot.h"

namespace agw::api {

namespace net = boost::asio;

net::awaitable<Result<void>> adminMetrics(RequestContext& context, const ThreadParts& parts);

}  // namespace agw::api
