#include "protocol/finish_reason.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "protocol/chat_look.h"

namespace agw::protocol {
namespace {

using enum FinishReason;
using Word = std::pair<std::string_view, FinishReason>;

constexpr auto kProtocol = std::to_array<Word>({
    {"stop", Stop},
    {"length", Length},
    {"tool_calls", ToolCalls},
    {"content_filter", ContentFilter},
    {"function_call", FunctionCall},
});

// Words of others, in lower case with '_' for '-' and ' '. What is not here means Stop: end_turn,
// eos, eos_token, stop_sequence, complete, ...
constexpr auto kOthers = std::to_array<Word>({
    {"", None},
    {"null", None},
    {"none", None},
    {"in_progress", None},
    {"tool_call", ToolCalls},
    {"tool_use", ToolCalls},
    {"tools", ToolCalls},
    {"function", FunctionCall},
    {"function_calls", FunctionCall},
    {"max_tokens", Length},
    {"max_length", Length},
    {"max_output_tokens", Length},
    {"max_new_tokens", Length},
    {"model_length", Length},
    {"model_context_window_exceeded", Length},
    {"length_limit", Length},
    {"safety", ContentFilter},
    {"content_filtered", ContentFilter},
    {"recitation", ContentFilter},
    {"prohibited_content", ContentFilter},
    {"blocklist", ContentFilter},
    {"refusal", ContentFilter},
    {"sensitive", ContentFilter},
    {"error", Failed},
    {"abort", Failed},
    {"aborted", Failed},
    {"cancelled", Failed},
    {"canceled", Failed},
    {"network_error", Failed},
});

std::string folded(std::string_view json) {
  std::string word = stringOf(json);
  std::transform(word.begin(), word.end(), word.begin(), [](char c) {
    if (c == '-' || c == ' ') return '_';
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return word;
}

}  // namespace

FinishReason readFinishReason(std::string_view json) {
  if (!isString(json)) return None;
  const std::string_view inner = json.substr(1, json.size() - 2);
  for (const auto& [name, reason] : kProtocol) {
    if (inner == name) return reason;
  }
  const std::string word = folded(json);
  for (const auto& [name, reason] : kProtocol) {
    if (word == name) return reason;
  }
  for (const auto& [name, reason] : kOthers) {
    if (word == name) return reason;
  }
  return Stop;
}

std::string_view finishReasonName(FinishReason reason) {
  for (const auto& [name, known] : kProtocol) {
    if (known == reason) return name;
  }
  return {};
}

}  // namespace agw::protocol
