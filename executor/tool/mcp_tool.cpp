#include "tool/mcp_tool.h"

#include <algorithm>
#include <utility>

#include "tool/tool_failure.h"

namespace agw::tool {

McpTool::McpTool(config::ToolSettings settings, mcp::Session& session, telemetry::Log& log)
    : settings_(std::move(settings)), session_(session), log_(log) {}

net::awaitable<ToolSpec> McpTool::describe(Deadline deadline) {
  ToolSpec spec{settings_.name, settings_.description, settings_.parameters_json};
  if (spec.description.empty() || spec.parameters_json.empty()) {
    const auto tools =
        co_await session_.listTools(earlier(deadline, Deadline::in(settings_.timeout)));
    if (tools) {
      const auto tool = std::find_if((*tools)->begin(), (*tools)->end(), [&](const auto& entry) {
        return entry.name == settings_.mcp_method;
      });
      if (tool != (*tools)->end()) {
        if (spec.description.empty()) spec.description = tool->description;
        if (spec.parameters_json.empty()) spec.parameters_json = tool->input_schema_json;
      } else {
        log_.write(telemetry::Level::Warn, "mcp_tool_unknown",
                   {{"tool", settings_.name},
                    {"mcp_server", settings_.mcp_server},
                    {"mcp_method", settings_.mcp_method}});
      }
    }  // otherwise the session has logged why
  }
  if (spec.parameters_json.empty()) spec.parameters_json = kOpenSchema;
  co_return spec;
}

net::awaitable<ToolResult> McpTool::call(ToolCall call) {
  mcp::CallOptions options;
  options.deadline = earlier(call.deadline, Deadline::in(settings_.timeout));
  options.traceparent = std::move(call.traceparent);
  const auto outcome = co_await session_.callTool(
      settings_.mcp_method, std::move(call.arguments_json), std::move(options));
  if (!outcome) {
    logToolFailure(log_, settings_.name, call.request_id, outcome.error());
    co_return ToolResult{outcome.error().message, true, !outcome.error().retryable};
  }
  co_return ToolResult{outcome->text, outcome->is_error, true};
}

}  // namespace agw::tool
