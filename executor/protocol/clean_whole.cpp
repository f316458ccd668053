// Whether an answer that came at once has everything that the schema asks for.
#include <algorithm>
#include <cstddef>

#include "protocol/choice_writer.h"
#include "protocol/whole_answer.h"

namespace agw::protocol {
namespace {

bool hasMember(const MemberLooks& members, std::string_view key) {
  return std::any_of(members.begin(), members.end(),
                     [key](const MemberLook& member) { return member.key == key; });
}

bool isCleanCall(const CallLook& call) {
  if (call.odd || !call.index.empty() || !isString(call.id) || !hasText(call.id)) return false;
  if (call.custom) return call.type == R"("custom")";
  return call.type == R"("function")" && isString(call.name) && hasText(call.name) &&
         isString(call.arguments) && !isBlank(call.arguments);
}

bool haveOwnIds(const CallLooks& calls) {
  for (std::size_t i = 0; i < calls.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (calls[i].id == calls[j].id) return false;
    }
  }
  return true;
}

// "content" and "refusal" may be null but not absent.
bool isCleanMessage(const DeltaLook& message) {
  if (message.role != R"("assistant")") return false;
  if (!isString(message.content) && message.content != "null") return false;
  if (!hasMember(message.others, R"("refusal")")) return false;
  if (!message.function_call.empty() && !isObject(message.function_call)) return false;
  if (message.tool_calls.empty()) return true;
  if (!isArray(message.tool_calls)) return false;
  CallLooks calls;
  lookAtCalls(message.tool_calls, calls);
  return !calls.empty() && std::all_of(calls.begin(), calls.end(), isCleanCall) &&
         haveOwnIds(calls);
}

bool agrees(FinishReason reason, const DeltaLook& message) {
  using enum FinishReason;
  const bool calls = !message.tool_calls.empty();
  const bool legacy = !calls && !message.function_call.empty();
  switch (reason) {
    case Stop:
      return !calls && !legacy;
    case ToolCalls:
      return calls;
    case FunctionCall:
      return legacy;
    default:
      return reason != None && reason != Failed;
  }
}

bool isCleanChoice(const ChoiceLook& choice, std::size_t position, bool tools_only) {
  if (tools_only && !choice.said.function_call.empty()) return false;
  const FinishReason reason = readFinishReason(choice.finish_reason);
  return choice.index == std::to_string(position) && choice.delta.empty() &&
         isObject(choice.message) && choice.text.empty() && !choice.logprobs.empty() &&
         isCleanMessage(choice.said) && agrees(reason, choice.said) &&
         stringOf(choice.finish_reason) == finishReasonName(reason);
}

}  // namespace

bool isCleanWhole(const ChatLook& look, bool tools_only) {
  if (!look.clean_text || look.odd || look.choice.empty()) return false;
  for (std::size_t i = 0; i < look.choice.size(); ++i) {
    if (!isCleanChoice(look.choice[i], i, tools_only)) return false;
  }
  return true;
}

std::string wholeAsWritten(const ChatLook& look, std::string_view usage) {
  std::string out;
  out.reserve(look.choices.size() + usage.size() + 256);
  const auto middle = look.others.begin() + static_cast<std::ptrdiff_t>(look.others_before_choices);
  for (auto member = look.others.begin(); member != middle; ++member) {
    appendMember(out, *member, true);
  }
  out.append(R"(,"choices":)").append(look.choices);
  if (!usage.empty()) out.append(R"(,"usage":)").append(usage);
  for (auto member = middle; member != look.others.end(); ++member) {
    appendMember(out, *member, true);
  }
  return out + '}';
}

}  // namespace agw::protocol
