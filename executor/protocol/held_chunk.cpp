#include "protocol/held_chunk.h"

#include <algorithm>

#include "protocol/finish_reason.h"

namespace agw::protocol {
namespace {

CallLooks callsOf(const ChoiceLook& choice) {
  CallLooks calls;
  if (!isNothing(choice.said.tool_calls)) lookAtCalls(choice.said.tool_calls, calls);
  return calls;
}

bool opensBareCall(const CallLook& call) {
  return hasText(call.name) && isBlank(call.arguments) && !call.custom;
}

bool hasFinish(const ChoiceLook& choice) {
  return readFinishReason(choice.finish_reason) != FinishReason::None;
}

bool saysMore(const ChoiceLook& choice) {
  const auto is_something = [](const MemberLook& member) { return hasText(member.value); };
  return hasText(choice.said.content) ||
         std::any_of(choice.said.others.begin(), choice.said.others.end(), is_something);
}

bool hasCalls(const ChoiceLook& choice) {
  return (!isNothing(choice.said.tool_calls) && choice.said.tool_calls != "[]") ||
         isObject(choice.said.function_call);
}

// The piece belongs to that call, though it has a name.
bool isSameCall(const CallLook& held, const CallLook& piece) {
  const std::string id = textOf(held.id);
  if (id.empty()) return false;
  const auto held_index = numberOf(held.index);
  const auto index = numberOf(piece.index);
  if (held_index && index && held_index != index) return false;
  return hasText(piece.id) ? textOf(piece.id) == id : index.has_value() && index == held_index;
}

const ChoiceLook* sameChoice(const ChatLook& look, std::size_t position, const ChatLook& next) {
  const auto number = [](const ChatLook& chat, std::size_t at) {
    return numberOf(chat.choice[at].index).value_or(static_cast<unsigned>(at));
  };
  for (std::size_t i = 0; i < next.choice.size(); ++i) {
    if (number(next, i) == number(look, position)) return &next.choice[i];
  }
  return nullptr;
}

}  // namespace

bool HeldChunk::isDue(const ChatLook& look) {
  return std::any_of(look.choice.begin(), look.choice.end(), [](const ChoiceLook& choice) {
    if (hasFinish(choice)) return true;
    if (choice.said.tool_calls.empty()) return false;
    const CallLooks calls = callsOf(choice);
    return std::any_of(calls.begin(), calls.end(), opensBareCall);
  });
}

void HeldChunk::hold(std::string_view json) {
  json_ = json;
  std::size_t size = 0;
  lookAtChat(json_, look_, size);
  amendments_.assign(look_.choice.size(), {});
  held_ = true;
}

bool HeldChunk::amend(const ChatLook& next) {
  bool was_all = false;
  for (std::size_t i = 0; i < look_.choice.size(); ++i) {
    const ChoiceLook* const more = sameChoice(look_, i, next);
    if (more == nullptr) continue;
    const bool named = amendName(look_.choice[i], *more, amendments_[i]);
    const CallLooks calls = callsOf(*more);
    was_all = named && next.choice.size() == 1 && calls.size() == 1 &&
              isBlank(calls[0].arguments) && !saysMore(*more) && !hasFinish(*more);
    if (hasFinish(look_.choice[i]) && (saysMore(*more) || hasCalls(*more))) {
      amendments_[i].unfinish = true;
    }
  }
  return was_all;
}

// Pieces are joined, a name that is repeated is left alone, and one that grows takes its place.
bool HeldChunk::amendName(const ChoiceLook& held, const ChoiceLook& next,
                          Amendment& amendment) const {
  const CallLooks calls = callsOf(next);
  if (calls.empty() || !hasText(calls[0].name)) return false;
  const CallLooks opened = callsOf(held);
  for (std::size_t i = 0; i < opened.size(); ++i) {
    if (!opensBareCall(opened[i]) || !isSameCall(opened[i], calls[0])) continue;
    const bool other_call = !amendment.call_name.empty() && amendment.call != i;
    const std::string name =
        amendment.call_name.empty() ? stringOf(opened[i].name) : amendment.call_name;
    const std::string piece = stringOf(calls[0].name);
    if (other_call || piece == name) return false;
    amendment.call = i;
    amendment.call_name = piece.starts_with(name) ? piece : name + piece;
    return true;
  }
  return false;
}

}  // namespace agw::protocol
