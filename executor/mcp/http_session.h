// The HTTP session with its times open to change. Users take makeHttpSession of session.h.
#pragma once

#include <memory>

#include "mcp/session.h"
#include "mcp/session_core.h"

namespace agw::mcp {

std::unique_ptr<Session> makeHttpSession(net::io_context& context, io::HttpClient& client,
                                         config::McpServerSettings settings, SessionOptions options,
                                         telemetry::Log& log);

}  // namespace agw::mcp
