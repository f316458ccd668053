// Answers of the admin endpoints are those of one executor, and say of which.
#pragma once

#include <string>

#include "api/request_context.h"

namespace agw::api {

namespace net = boost::asio;

// "host:pid".
const std::string& executorName();

// 200 with the header X-Agent-Executor.
net::awaitable<Result<void>> sendAdminJson(RequestContext& context, std::string body);

}  // namespace agw::api
