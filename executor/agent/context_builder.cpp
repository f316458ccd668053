#include "agent/context_builder.h"

#include <algorithm>
#include <array>

#include "base/json_reader.h"

namespace agw::agent {
namespace {

// Members of the client's request that the run writes itself.
constexpr std::array<std::string_view, 7> kOwned = {
    "model", "messages", "tools", "tool_choice", "stream", "stream_options", "n"};

std::string toolsArray(const protocol::ChatRequest& request,
                       const std::vector<tool::ToolSpec>& agent_tools) {
  if (agent_tools.empty() && request.tools.empty()) return {};
  std::string out = "[";
  for (const tool::ToolSpec& spec : agent_tools) {
    if (out.size() > 1) out.push_back(',');
    out.append(R"({"type":"function","function":{"name":)");
    appendJsonString(out, spec.name);
    if (!spec.description.empty()) {
      out.append(R"(,"description":)");
      appendJsonString(out, spec.description);
    }
    out.append(R"(,"parameters":)").append(spec.parameters_json).append("}}");
  }
  for (const protocol::ClientTool& tool : request.tools) {
    if (out.size() > 1) out.push_back(',');
    out.append(tool.definition);
  }
  out.push_back(']');
  return out;
}

}  // namespace

ContextBuilder::ContextBuilder(const protocol::ChatRequest& request,
                               const config::AgentSettings& agent,
                               const std::vector<tool::ToolSpec>& agent_tools)
    : request_(request), agent_(agent), tools_(toolsArray(request, agent_tools)) {}

std::string ContextBuilder::body(bool stream, bool first_hop) const {
  std::size_t size = request_.body.size() + agent_.instructions.size() + tools_.size() + 256;
  for (const std::string& message : added_) size += message.size() + 1;
  std::string out;
  out.reserve(size);

  out.append(R"({"model":)");
  appendJsonString(out, agent_.model);
  out.append(R"(,"messages":[{"role":"system","content":)");
  appendJsonString(out, agent_.instructions);
  out.push_back('}');
  for (const std::string_view message : request_.messages) out.append(",").append(message);
  for (const std::string& message : added_) out.append(",").append(message);
  out.push_back(']');
  if (!tools_.empty()) out.append(R"(,"tools":)").append(tools_);
  if (first_hop && !request_.tool_choice.empty()) {
    out.append(R"(,"tool_choice":)").append(request_.tool_choice);
  }
  for (const RawMember& member : request_.members) {
    if (std::find(kOwned.begin(), kOwned.end(), member.key) != kOwned.end()) continue;
    out.append(",").append(member.name).append(":").append(member.value);
  }
  if (stream) {
    out.append(R"(,"stream":true,"stream_options":)");
    out.append(protocol::withUsageAsked(request_.rawMember("stream_options")));
  }
  out.push_back('}');
  return out;
}

Result<void> checkToolNames(const protocol::ChatRequest& request,
                            const std::vector<tool::ToolSpec>& agent_tools) {
  for (std::size_t i = 0; i < request.tools.size(); ++i) {
    for (const tool::ToolSpec& spec : agent_tools) {
      if (request.tools[i].name == spec.name) {
        return clientError(ErrorCode::ToolNameConflict,
                           "The agent has a tool named \"" + spec.name + "\" itself; rename yours.",
                           "tools[" + std::to_string(i) + "].function.name");
      }
    }
  }
  return {};
}

}  // namespace agw::agent
