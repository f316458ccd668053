// GET /agents/errors: the latest errors of agents, newest first.
#pragma once

#include "api/request_context.h"
#include "api/snapshot.h"

namespace agw::api {

namespace net = boost::asio;

net::awaitable<Result<void>> listAgentErrors(RequestContext& context, const ThreadParts& parts);

}  // namespace agw::api
