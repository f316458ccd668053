// Errors as clients see them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>

#include "base/error.h"
#include "io/http_server.h"

namespace agw::api {

namespace net = boost::asio;

// {"error":{…}} with its status; Retry-After where the error has one; x-should-retry: false where a
// second try must not happen or cannot help (a tool has run, the agent is not configured).
net::awaitable<Result<void>> sendError(io::ResponseWriter& response, const Error& error,
                                       io::HttpHeaders headers);

std::string errorJson(const Error& error);

// The answer to what never became a request: its head or its body was malformed, too large or late.
std::string malformedRequestBody(int status, std::string_view message);

// A failure after a tool was started: 424, which no SDK retries, with the code and text of the
// failure.
Error afterToolStarted(Error error);

}  // namespace agw::api
