// Builds the upstream requests of a run. Pure: what clients and upstreams wrote is passed on byte
// for byte.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/settings.h"
#include "protocol/openai_chat.h"
#include "tool/tool.h"

namespace agw::agent {

class ContextBuilder {
 public:
  // `request` and `agent` outlive the builder.
  ContextBuilder(const protocol::ChatRequest& request, const config::AgentSettings& agent,
                 const std::vector<tool::ToolSpec>& agent_tools);

  // A message that the run adds after the client's: JSON text.
  void append(std::string message) { added_.push_back(std::move(message)); }

  // The body of the next LLM call. The client's tool_choice holds for the first one only:
  // "required" on every hop would never end.
  std::string body(bool stream, bool first_hop) const;

 private:
  const protocol::ChatRequest& request_;
  const config::AgentSettings& agent_;
  std::string tools_;  // JSON array, or ""
  std::vector<std::string> added_;
};

// tool_name_conflict when the client sent a tool with the name of one of the agent's.
Result<void> checkToolNames(const protocol::ChatRequest& request,
                            const std::vector<tool::ToolSpec>& agent_tools);

}  // namespace agw::agent
