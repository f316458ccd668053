#include "protocol/whole_answer.h"

#include <algorithm>

#include "base/json_reader.h"
#include "protocol/choice_writer.h"

namespace agw::protocol {
namespace {

bool hasKey(const auto& pairs, std::string_view key) {
  return std::any_of(pairs.begin(), pairs.end(),
                     [key](const auto& pair) { return pair.first == key; });
}

// Pieces of a string are one string; of any other value the last one counts.
void joinValue(std::string& into, std::string_view value) {
  if (isString(into) && isString(value)) {
    into.pop_back();
    into.append(value.substr(1));
  } else {
    into = value;
  }
}

}  // namespace

bool WholeAnswer::add(const ChatLook* look, const std::vector<RepairedChoice>& written,
                      const ChatChunk& chunk) {
  const bool clean_text = look == nullptr || look->clean_text;
  if (look != nullptr && !addMembers(*look)) return false;
  for (std::size_t i = 0; i < written.size(); ++i) {
    addChoice(written[i], chunk.choices[i], clean_text);
  }
  return bytes_ <= kMaxBytes;
}

bool WholeAnswer::addMembers(const ChatLook& look) {
  for (const MemberLook& member : look.others) {
    if (!isNothing(member.value)) keep(others_, member.key, member.value, look.clean_text);
  }
  return bytes_ <= kMaxBytes;
}

WholeAnswer::Choice& WholeAnswer::choice(unsigned index) {
  for (Choice& known : choices_) {
    if (known.index == index) return known;
  }
  choices_.emplace_back().index = index;
  return choices_.back();
}

void WholeAnswer::addChoice(const RepairedChoice& written, const ChoiceDelta& delta,
                            bool clean_text) {
  using enum RepairedChoice::Content;
  Choice& into = choice(delta.index);
  if (written.content == AsWritten) {
    const ChoiceLook& look = *written.look;
    const std::string_view json = look.said.content.empty() ? look.text : look.said.content;
    into.content.append(json.substr(1, json.size() - 2));
    bytes_ += json.size();
  } else if (written.content == Changed) {
    std::string json;
    appendJsonString(json, delta.content);
    into.content.append(json, 1, json.size() - 2);
    bytes_ += json.size();
  }
  into.has_content = into.has_content || written.content == AsWritten || written.content == Changed;
  for (const MemberLook& member : written.others) join(into.extras, member.key, member.value);
  addCalls(into, written, delta, clean_text);
  if (!delta.finish_reason.empty()) into.finish_reason = delta.finish_reason;
  if (written.look == nullptr) return;
  if (!isNothing(written.look->logprobs)) {
    into.logprobs.clear();
    appendRaw(into.logprobs, written.look->logprobs, clean_text);
    bytes_ += into.logprobs.size();
  }
  for (const MemberLook& member : written.look->others) {
    keep(into.others, member.key, member.value, clean_text);
  }
}

void WholeAnswer::addCalls(Choice& into, const RepairedChoice& written, const ChoiceDelta& delta,
                           bool clean_text) {
  into.legacy_call = into.legacy_call || written.legacy_call;
  const auto take = [&](const ToolCallPart& part) -> Call& {
    if (part.index >= into.calls.size()) into.calls.resize(part.index + 1);
    Call& call = into.calls[part.index];
    if (call.id.empty()) call.id = part.id;
    if (call.name.empty()) call.name = part.name;
    call.arguments += part.arguments;
    bytes_ += part.arguments.size() + part.name.size();
    return call;
  };
  if (written.calls.empty()) {
    for (const ToolCallPart& part : delta.tool_calls) take(part);
    return;
  }
  for (const PlacedCall& placed : written.calls) {
    Call& call = take(placed.part);
    if (placed.look == nullptr) continue;
    call.custom = call.custom || placed.look->custom;
    for (const MemberLook& member : placed.look->others) {
      keep(call.others, member.key, member.value, clean_text);
    }
    for (const MemberLook& member : placed.look->function_others) {
      keep(call.function_others, member.key, member.value, clean_text);
    }
  }
}

void WholeAnswer::keep(RawPairs& pairs, std::string_view key, std::string_view value,
                       bool clean_text) {
  std::string clean;
  appendRaw(clean, value, clean_text);
  std::string name;
  appendRaw(name, key, clean_text);
  bytes_ += clean.size();
  for (auto& pair : pairs) {
    if (pair.first == name) {
      bytes_ -= pair.second.size();
      pair.second = std::move(clean);
      return;
    }
  }
  pairs.emplace_back(std::move(name), std::move(clean));
}

void WholeAnswer::join(RawPairs& pairs, std::string_view key, std::string_view value) {
  bytes_ += value.size();
  for (auto& pair : pairs) {
    if (pair.first != key) continue;
    if (!isNothing(value)) joinValue(pair.second, value);
    return;
  }
  pairs.emplace_back(std::string(key), std::string(value));
}

void WholeAnswer::finish(std::string_view usage, ChatChunk& chunk) {
  std::sort(choices_.begin(), choices_.end(),
            [](const Choice& one, const Choice& other) { return one.index < other.index; });
  rest_ = R"(,"choices":)";
  char before = '[';
  for (const Choice& choice : choices_) {
    rest_ += before;
    write(rest_, choice);
    before = ',';
  }
  rest_ += ']';
  if (!usage.empty()) rest_.append(R"(,"usage":)").append(usage);
  for (const auto& [key, value] : others_) appendMember(rest_, {key, value}, true);
  rest_ += '}';
  for (const Choice& choice : choices_) chunk.choices.push_back(deltaOf(choice));
  chunk.rest = rest_;
}

void WholeAnswer::write(std::string& out, const Choice& choice) {
  out.append(R"({"index":)").append(std::to_string(choice.index));
  out.append(R"(,"message":{"role":"assistant","content":)");
  const bool has_calls = !choice.calls.empty();
  if (choice.has_content || !has_calls) {
    out.append("\"").append(choice.content).append("\"");
  } else {
    out.append("null");
  }
  if (!hasKey(choice.extras, R"("refusal")")) out.append(R"(,"refusal":null)");
  for (const auto& [key, value] : choice.extras) appendMember(out, {key, value}, true);
  if (choice.legacy_call && has_calls) {
    out.append(R"(,"function_call":{"name":)");
    appendJsonString(out, choice.calls[0].name);
    out.append(R"(,"arguments":)");
    appendJsonString(out, choice.calls[0].arguments);
    out += '}';
  } else if (has_calls) {
    out.append(R"(,"tool_calls":)");
    char before = '[';
    for (const Call& call : choice.calls) {
      out += before;
      writeCall(out, call);
      before = ',';
    }
    out += ']';
  }
  out.append(R"(},"logprobs":)").append(choice.logprobs).append(R"(,"finish_reason":)");
  appendJsonString(out, choice.finish_reason);
  for (const auto& [key, value] : choice.others) appendMember(out, {key, value}, true);
  out += '}';
}

void WholeAnswer::writeCall(std::string& out, const Call& call) {
  out.append(R"({"id":)");
  appendJsonString(out, call.id);
  if (call.custom) {
    out.append(R"(,"type":"custom")");
  } else {
    out.append(R"(,"type":"function","function":{"name":)");
    appendJsonString(out, call.name);
    out.append(R"(,"arguments":)");
    appendJsonString(out, call.arguments);
    for (const auto& [key, value] : call.function_others) appendMember(out, {key, value}, true);
    out += '}';
  }
  for (const auto& [key, value] : call.others) appendMember(out, {key, value}, true);
  out += '}';
}

ChoiceDelta WholeAnswer::deltaOf(const Choice& choice) {
  ChoiceDelta delta;
  delta.index = choice.index;
  delta.content = stringOf('"' + choice.content + '"');
  for (const auto& [key, value] : choice.extras) {
    if (value != "null") delta.extras.push_back({stringOf(key), value});
  }
  for (std::size_t i = 0; i < choice.calls.size(); ++i) {
    const Call& call = choice.calls[i];
    if (call.custom) continue;
    delta.tool_calls.push_back({static_cast<unsigned>(i), call.id, call.name, call.arguments});
  }
  delta.finish_reason = choice.finish_reason;
  return delta;
}

}  // namespace agw::protocol
