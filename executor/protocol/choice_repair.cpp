#include "protocol/choice_repair.h"

#include <algorithm>
#include <utility>

#include "base/json_reader.h"
#include "base/json_text.h"
#include "protocol/content_parts.h"

namespace agw::protocol {
namespace {

constexpr std::string_view kReasoning = R"("reasoning_content")";

std::string keyName(std::string_view quoted) {
  if (quoted.find('\\') == std::string_view::npos) {
    return std::string(quoted.substr(1, quoted.size() - 2));
  }
  return stringOf(quoted);
}

std::string_view keep(std::deque<std::string>& store, std::string text) {
  return store.emplace_back(std::move(text));
}

std::string_view keepString(std::deque<std::string>& store, std::string_view text) {
  std::string json;
  appendJsonString(json, text);
  return keep(store, std::move(json));
}

std::string_view cleanJson(std::deque<std::string>& store, std::string_view json) {
  std::string clean;
  appendCleanJson(clean, json);
  return keep(store, std::move(clean));
}

// The value of "finish_reason" is what goes out.
bool isWritten(FinishReason reason, std::string_view json) {
  if (reason == FinishReason::None) return json == "null";
  const std::string_view name = finishReasonName(reason);
  return json.size() == name.size() + 2 && isString(json) && json.substr(1, name.size()) == name;
}

bool isIndex(std::string_view json, unsigned index) {
  if (index < 10) return json.size() == 1 && json.front() == static_cast<char>('0' + index);
  return json == std::to_string(index);
}

Error choiceFailed(std::string_view reason) {
  return upstreamError(ErrorCode::UpstreamError, "The upstream reported an error.",
                       "finish_reason " + stringOf(reason));
}

Error tooManyCalls() {
  return upstreamError(ErrorCode::UpstreamInvalidResponse,
                       "The upstream's tool calls are too large.");
}

}  // namespace

Result<RepairedChoice> ChoiceRepair::read(const ChoiceLook& look, const ChatLook& chat,
                                          const Amendment& amendment,
                                          std::deque<std::string>& store) {
  RepairedChoice out;
  out.look = &look;
  out.delta.index = index_;
  bool as_written =
      chat.clean_text && !chat.odd && isObject(look.delta) && isIndex(look.index, index_);
  as_written = readRole(look.said.role, out) && as_written;
  as_written = readContent(look, chat.clean_text, out, store) && as_written;
  as_written = readOthers(look.said, chat.clean_text, out, store) && as_written;
  const Result<bool> calls = readCalls(look.said, chat.clean_text, amendment, out);
  if (!calls) return calls.error();
  as_written = *calls && as_written;

  FinishReason reason = readFinishReason(look.finish_reason);
  if (reason == FinishReason::Failed) return choiceFailed(look.finish_reason);
  if (reason != FinishReason::None) reason_ = reason;
  if (amendment.unfinish || finished_) reason = FinishReason::None;
  reason = agreed(reason);
  as_written = isWritten(reason, look.finish_reason) && as_written;
  const bool was_finished = finished_;
  if (reason != FinishReason::None) as_written = finish(reason, out, store) && as_written;
  takeParts(out);
  out.as_written = as_written;
  const bool said = !out.delta.content.empty() || !out.delta.extras.empty() || !out.calls.empty() ||
                    !out.delta.tool_calls.empty();
  said_something_ = said_something_ || said;
  out.says_nothing = was_finished && !said;
  out.is_text = out.calls.empty() && out.delta.tool_calls.empty() && !finished_;
  return out;
}

void ChoiceRepair::takeContent(std::string_view content, std::string& text) {
  content_.add(content, true, text);
  said_something_ = said_something_ || !text.empty();
}

RepairedChoice ChoiceRepair::close(std::deque<std::string>& store) {
  RepairedChoice out;
  out.delta.index = index_;
  out.first = !std::exchange(role_given_, true);
  finish(agreed(mayEnd() ? reason_ : FinishReason::Stop), out, store);
  takeParts(out);
  return out;
}

bool ChoiceRepair::readRole(std::string_view role, RepairedChoice& out) {
  out.first = !std::exchange(role_given_, true);
  return out.first ? role == R"("assistant")" : role.empty();
}

bool ChoiceRepair::readContent(const ChoiceLook& look, bool clean_text, RepairedChoice& out,
                               std::deque<std::string>& store) {
  using enum RepairedChoice::Content;
  const bool has_delta = isObject(look.delta) || isObject(look.message);
  const std::string_view content = has_delta ? look.said.content : look.text;
  if (isNothing(content)) {
    out.content = content.empty() ? Absent : Null;
    return has_delta;
  }
  if (isString(content)) {
    const bool as_written = content_.add(content, clean_text, out.delta.content);
    out.content = as_written ? AsWritten : Changed;
    return as_written;
  }
  out.content = Changed;
  if (!isArray(content)) {
    out.delta.content = textOf(content);
    return false;
  }
  ContentText text = textOfParts(content);
  out.delta.content = std::move(text.content);
  if (!text.reasoning.empty()) {
    const std::string_view reasoning = keepString(store, text.reasoning);
    out.others.push_back({kReasoning, reasoning});
    out.delta.extras.push_back({keyName(kReasoning), reasoning});
  }
  return false;
}

bool ChoiceRepair::readOthers(const DeltaLook& said, bool clean_text, RepairedChoice& out,
                              std::deque<std::string>& store) {
  bool as_written = true;
  for (const MemberLook& member : said.others) {
    MemberLook clean = member;
    if (!clean_text) clean.key = cleanJson(store, member.key);
    const bool plain = clean_text && others_.empty();
    if (!plain && isString(member.value)) {
      auto joiner = std::find_if(others_.begin(), others_.end(),
                                 [&](const auto& other) { return other.first == clean.key; });
      if (joiner == others_.end()) joiner = others_.insert(joiner, {std::string(clean.key), {}});
      std::string text;
      if (!joiner->second.add(member.value, clean_text, text)) {
        clean.value = keepString(store, text);
        as_written = false;
      }
      if (!joiner->second.holdsBack()) others_.erase(joiner);
    } else if (!clean_text) {
      clean.value = cleanJson(store, member.value);
    }
    if (clean.value != "null") out.delta.extras.push_back({keyName(clean.key), clean.value});
    out.others.push_back(clean);
  }
  return as_written && clean_text;
}

Result<bool> ChoiceRepair::readCalls(const DeltaLook& said, bool clean_text,
                                     const Amendment& amendment, RepairedChoice& out) {
  call_looks_.clear();
  if (!isNothing(said.tool_calls)) {
    lookAtCalls(said.tool_calls, call_looks_);
    legacy_call_ = false;
  } else if (isObject(said.function_call) && (legacy_call_ || calls_.empty())) {
    lookAtFunctionCall(said.function_call, call_looks_);
    legacy_call_ = true;
  }
  out.legacy_call = goesOutAsLegacy() && !call_looks_.empty();
  if (!amendment.call_name.empty()) calls_.rename(amendment.call, amendment.call_name);
  if (!call_looks_.empty() && !calls_.add(call_looks_, clean_text, out.calls)) {
    return tooManyCalls();
  }
  if (out.legacy_call) return said.tool_calls.empty();
  out.calls_as_written = (said.tool_calls.empty() || isArray(said.tool_calls)) &&
                         (!legacy_call_ || call_looks_.empty()) &&
                         out.calls.size() == call_looks_.size() &&
                         std::all_of(out.calls.begin(), out.calls.end(),
                                     [](const PlacedCall& call) { return call.as_written; });
  return out.calls_as_written && said.function_call.empty();
}

// "stop" with calls means tool_calls; "tool_calls" without any is an ordinary end.
FinishReason ChoiceRepair::agreed(FinishReason reason) const {
  using enum FinishReason;
  if (reason != Stop && reason != ToolCalls && reason != FunctionCall) return reason;
  if (calls_.empty()) return Stop;
  return goesOutAsLegacy() ? FunctionCall : ToolCalls;
}

bool ChoiceRepair::finish(FinishReason reason, RepairedChoice& out,
                          std::deque<std::string>& store) {
  finished_ = true;
  out.delta.finish_reason = finishReasonName(reason);
  bool as_written = true;
  if (const std::string_view rest = content_.flush(); !rest.empty()) {
    out.delta.content += rest;
    out.content = RepairedChoice::Content::Changed;
    as_written = false;
  }
  for (auto& [key, joiner] : others_) {
    const std::string_view value = keepString(store, joiner.flush());
    out.others.push_back({keep(store, key), value});
    out.delta.extras.push_back({keyName(key), value});
    as_written = false;
  }
  others_.clear();
  const std::size_t before = out.calls.size();
  calls_.finish(out.calls);
  if (out.calls.size() == before || goesOutAsLegacy()) return as_written;
  out.calls_as_written = false;
  return false;
}

void ChoiceRepair::takeParts(RepairedChoice& out) const {
  std::erase_if(out.calls,
                [](const PlacedCall& call) { return call.says_nothing && !call.as_written; });
  for (PlacedCall& call : out.calls) {
    if (call.look == nullptr || !call.look->custom) out.delta.tool_calls.push_back(call.part);
  }
  if (goesOutAsLegacy()) out.calls.clear();
}

}  // namespace agw::protocol
