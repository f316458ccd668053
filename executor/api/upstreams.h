// The upstreams of the configuration and how they are, for administrators. Keys and headers are
// never shown.
#pragma once

#include "api/request_context.h"
#include "api/snapshot.h"

namespace agw::api {

namespace net = boost::asio;

// GET /upstreams
net::awaitable<Result<void>> listUpstreams(RequestContext& context, const ThreadParts& parts);

// POST /upstreams/refresh: looks at all of them now, and answers as GET does.
net::awaitable<Result<void>> refreshUpstreams(RequestContext& context, const ThreadParts& parts);

}  // namespace agw::api
