// What the kinds of tools share.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "telemetry/log.h"

namespace agw::tool {

// For a tool whose parameters nobody has described.
inline constexpr std::string_view kOpenSchema = R"({"type":"object"})";

// One line for a call that failed in the gateway or on the way, not in the tool.
void logToolFailure(telemetry::Log& log, const std::string& tool, const std::string& request_id,
                    const Error& error);

}  // namespace agw::tool
