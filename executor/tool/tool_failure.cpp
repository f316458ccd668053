#include "tool/tool_failure.h"

namespace agw::tool {

void logToolFailure(telemetry::Log& log, const std::string& tool, const std::string& request_id,
                    const Error& error) {
  log.write(telemetry::Level::Warn, "tool_failed",
            {{"tool", tool},
             {"request_id", request_id},
             {"code", errorEntry(error.code).name},
             {"started", !error.retryable},
             {"detail", error.detail}});
}

}  // namespace agw::tool
