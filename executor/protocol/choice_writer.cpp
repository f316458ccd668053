#include "protocol/choice_writer.h"

#include "base/json_reader.h"
#include "base/json_text.h"

namespace agw::protocol {
namespace {

// The members of one object: knows whether a comma is due.
class Members {
 public:
  explicit Members(std::string& out) : out_(out) { out_ += '{'; }
  std::string& key(std::string_view quoted) {
    if (!empty_) out_ += ',';
    empty_ = false;
    out_.append(quoted).push_back(':');
    return out_;
  }
  void add(const MemberLooks& members, bool clean_text) {
    for (const MemberLook& member : members) {
      if (!empty_) out_ += ',';
      empty_ = false;
      appendRaw(out_, member.key, clean_text);
      out_ += ':';
      appendRaw(out_, member.value, clean_text);
    }
  }
  void end() { out_ += '}'; }

 private:
  std::string& out_;
  bool empty_ = true;
};

void appendString(std::string& out, std::string_view text) { appendJsonString(out, text); }

void appendFunction(std::string& out, const PlacedCall& call, bool clean_text) {
  Members function(out);
  if (call.opens) appendString(function.key(R"("name")"), call.part.name);
  appendString(function.key(R"("arguments")"), call.part.arguments);
  if (call.look != nullptr) function.add(call.look->function_others, clean_text);
  function.end();
}

void appendCall(std::string& out, const PlacedCall& call, bool clean_text) {
  Members members(out);
  members.key(R"("index")").append(std::to_string(call.part.index));
  const bool custom = call.look != nullptr && call.look->custom;
  if (call.opens) {
    appendString(members.key(R"("id")"), call.part.id);
    members.key(R"("type")").append(custom ? R"("custom")" : R"("function")");
  }
  if (!custom) appendFunction(members.key(R"("function")"), call, clean_text);
  if (call.look != nullptr) members.add(call.look->others, clean_text);
  members.end();
}

void appendCalls(std::string& out, const RepairedChoice& choice, bool clean_text) {
  if (choice.calls_as_written) {
    out.append(choice.look->said.tool_calls);
    return;
  }
  char before = '[';
  for (const PlacedCall& call : choice.calls) {
    out += before;
    appendCall(out, call, clean_text);
    before = ',';
  }
  out += ']';
}

void appendDelta(std::string& out, const RepairedChoice& choice, bool clean_text) {
  Members delta(out);
  if (choice.first) delta.key(R"("role")").append(R"("assistant")");
  switch (choice.content) {
    case RepairedChoice::Content::Absent:
      break;
    case RepairedChoice::Content::Null:
      delta.key(R"("content")").append("null");
      break;
    case RepairedChoice::Content::AsWritten: {
      const ChoiceLook& look = *choice.look;
      const bool legacy = look.said.content.empty();
      delta.key(R"("content")").append(legacy ? look.text : look.said.content);
      break;
    }
    case RepairedChoice::Content::Changed:
      appendString(delta.key(R"("content")"), choice.delta.content);
  }
  delta.add(choice.others, true);
  if (choice.legacy_call) {
    appendRaw(delta.key(R"("function_call")"), choice.look->said.function_call, clean_text);
  }
  if (!choice.calls.empty()) appendCalls(delta.key(R"("tool_calls")"), choice, clean_text);
  delta.end();
}

}  // namespace

void appendRaw(std::string& out, std::string_view json, bool clean_text) {
  if (clean_text) {
    out.append(json);
  } else {
    appendCleanJson(out, json);
  }
}

void appendMember(std::string& out, const MemberLook& member, bool clean_text) {
  out += ',';
  appendRaw(out, member.key, clean_text);
  out += ':';
  appendRaw(out, member.value, clean_text);
}

void appendChunkChoice(std::string& out, const RepairedChoice& choice, bool clean_text) {
  if (choice.as_written) {
    out.append(choice.look->raw);
    return;
  }
  Members members(out);
  members.key(R"("index")").append(std::to_string(choice.delta.index));
  appendDelta(members.key(R"("delta")"), choice, clean_text);
  if (choice.look != nullptr) {
    if (!choice.look->logprobs.empty()) {
      appendRaw(members.key(R"("logprobs")"), choice.look->logprobs, clean_text);
    }
    members.add(choice.look->others, clean_text);
  }
  std::string& reason = members.key(R"("finish_reason")");
  if (choice.delta.finish_reason.empty()) {
    reason.append("null");
  } else {
    appendString(reason, choice.delta.finish_reason);
  }
  members.end();
}

}  // namespace agw::protocol
