#include "protocol/tool_calls.h"

#include <utility>

#include "base/id.h"

namespace agw::protocol {

bool ToolCallCollector::add(const ToolCallPart& part) {
  Open* open = nullptr;
  if (part.index) {
    for (Open& candidate : calls_) {
      const bool other_call =
          !part.id.empty() && !candidate.call.id.empty() && part.id != candidate.call.id;
      if (candidate.index == part.index && !other_call) open = &candidate;
    }
  } else if (!calls_.empty() && (part.id.empty() || part.id == calls_.back().call.id)) {
    open = &calls_.back();
  }
  bytes_ += part.id.size() + part.name.size() + part.arguments.size();
  if (bytes_ > kMaxBytes) return false;
  if (open == nullptr) {
    if (calls_.size() == kMaxCalls) return false;
    calls_.push_back({part.index, {part.id, part.name, part.arguments}});
    return true;
  }
  if (open->call.id.empty()) open->call.id = part.id;
  if (open->call.name.empty()) open->call.name = part.name;
  open->call.arguments += part.arguments;
  return true;
}

std::vector<ToolCallCollector::Call> ToolCallCollector::take() {
  std::vector<Call> out;
  out.reserve(calls_.size());
  for (Open& open : calls_) {
    if (open.call.id.empty()) open.call.id = randomId("call_");
    if (open.call.arguments.empty()) open.call.arguments = "{}";
    out.push_back(std::move(open.call));
  }
  calls_.clear();
  bytes_ = 0;
  return out;
}

}  // namespace agw::protocol
