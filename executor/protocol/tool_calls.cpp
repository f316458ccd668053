#include "protocol/tool_calls.h"

#include <utility>

namespace agw::protocol {

void ToolCallCollector::add(const ToolCallPart& part) {
  if (part.index >= kMaxCalls) return;  // the shield has refused the answer before
  if (part.index >= calls_.size()) calls_.resize(part.index + 1);
  Call& call = calls_[part.index];
  if (call.id.empty()) call.id = part.id;
  if (call.name.empty()) call.name = part.name;
  call.arguments += part.arguments;
}

std::vector<ToolCallCollector::Call> ToolCallCollector::take() { return std::exchange(calls_, {}); }

}  // namespace agw::protocol
