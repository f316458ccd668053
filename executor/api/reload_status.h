// GET /admin/reload: what became of changes of the configuration.
#pragma once

#include "api/request_context.h"
#include "api/snapshot.h"

namespace agw::api {

namespace net = boost::asio;

net::awaitable<Result<void>> reloadStatus(RequestContext& context, const ThreadParts& parts);

}  // namespace agw::api
