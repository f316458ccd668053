// A tool of an MCP server, under the name and description that the configuration gives it.
#pragma once

#include <memory>

#include "config/settings.h"
#include "mcp/session.h"
#include "telemetry/log.h"
#include "tool/tool.h"

namespace agw::tool {

class McpTool final : public Tool {
 public:
  // The session and the log outlive the tool and its calls.
  McpTool(config::ToolSettings settings, mcp::Session& session, telemetry::Log& log);

  const std::string& name() const override { return settings_.name; }
  std::string_view provider() const override { return "mcp"; }
  net::awaitable<ToolSpec> describe(Deadline deadline) override;
  net::awaitable<ToolResult> call(ToolCall call) override;

 private:
  config::ToolSettings settings_;
  mcp::Session& session_;
  telemetry::Log& log_;
};

}  // namespace agw::tool
