// GET /mcp/servers: the MCP servers of the configuration and their sessions, for administrators.
#pragma once

#include "api/request_context.h"
#include "api/snapshot.h"

namespace agw::api {

namespace net = boost::asio;

net::awaitable<Result<void>> listMcpServers(RequestContext& context, const ThreadParts& parts);

}  // namespace agw::api
