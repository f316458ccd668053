// The agents of the configuration, for administrators.
#pragma once

#include "api/request_context.h"
#include "api/snapshot.h"

namespace agw::api {

namespace net = boost::asio;

// GET /agents
net::awaitable<Result<void>> listAgents(RequestContext& context, const ThreadParts& parts);

// POST /agents/refresh: loads the configuration now and answers with the agents that it gives;
// configuration_invalid when it has problems.
net::awaitable<Result<void>> refreshAgents(RequestContext& context, const ThreadParts& parts);

}  // namespace agw::api
