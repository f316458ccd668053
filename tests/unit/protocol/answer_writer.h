// Generated answers of an upstream, and what of each has to reach the client.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "support/json_texts.h"

namespace agw::test {

inline bool isOurs(const std::string& name) {
  return name == R"("id")" || name == R"("object")" || name == R"("created")" ||
         name == R"("model")" || name == R"("usage")";
}

// What of an event, or of a whole answer with its usage, goes out behind our own head.
inline std::string restOf(const std::vector<MemberText>& members, const std::string& usage = "") {
  std::string rest;
  for (const MemberText& member : members) {
    if (isOurs(member.name)) continue;
    rest += "," + member.name + ":" + member.value;
    if (member.name == R"("choices")" && !usage.empty()) rest += R"(,"usage":)" + usage;
  }
  return rest + "}";
}

class AnswerWriter {
 public:
  // `clean`: nothing in the answer needs a repair.
  AnswerWriter(JsonTexts& json, bool clean) : json_(json), clean_(clean) {}

  void writeStream() {
    const unsigned choices = json_.onceIn(6) ? 2 : 1;
    const bool calls = json_.onceIn(4);
    std::vector<std::string> first;
    std::vector<std::string> last;
    for (unsigned i = 0; i < choices; ++i) {
      first.push_back(
          choice(i, {{R"("role")", R"("assistant")"}, {R"("content")", text()}}, "null"));
      last.push_back(choice(i, {}, calls ? R"("tool_calls")" : R"("stop")"));
    }
    event(first);
    if (calls) addCalls(choices);
    if (!calls && choices == 1) addAlike();
    event(last);
    addUsage();
    body += json_.onceIn(8) ? "data:[DONE]\n\n" : "data: [DONE]\n\n";
  }

  void writeWhole() {
    std::vector<std::string> choices;
    for (unsigned i = 0, count = json_.onceIn(6) ? 2 : 1; i < count; ++i) {
      std::vector<MemberText> message = {{R"("role")", R"("assistant")"}, {R"("content")", text()}};
      if (clean_ || json_.onceIn(2)) message.push_back({R"("refusal")", "null"});
      std::string reason = R"("stop")";
      if (json_.onceIn(4)) {
        message.push_back({R"("tool_calls")", json_.array({call(0, true, false)})});
        reason = R"("tool_calls")";
      }
      std::vector<MemberText> members = {{R"("message")", object(message, 2)},
                                         {R"("finish_reason")", reason}};
      if (clean_ || json_.onceIn(2)) members.push_back({R"("index")", std::to_string(i)});
      if (clean_ || json_.onceIn(2)) members.push_back({R"("logprobs")", "null"});
      choices.push_back(object(members, 2));
    }
    std::vector<MemberText> members = {{R"("choices")", json_.array(choices)}};
    add(members, 3);
    if (json_.onceIn(2)) members.push_back({R"("usage")", usage()});
    addHead(members);
    json_.shuffle(members);
    body = json_.object(members).text;
    rests.push_back(restOf(members, usage_json));
  }

  std::string body;
  std::vector<std::string> rests;   // of a clean answer
  std::string usage_json;           // as it was written; "": none
  std::vector<MemberText> unknown;  // at any level

 private:
  std::string text() { return json_.onceIn(5) ? "null" : json_.string(); }

  void add(std::vector<MemberText>& members, unsigned most) {
    const std::size_t known = members.size();
    json_.addUnknown(members, most);
    unknown.insert(unknown.end(), members.begin() + static_cast<std::ptrdiff_t>(known),
                   members.end());
  }

  std::string object(std::vector<MemberText> members, unsigned most) {
    add(members, most);
    json_.shuffle(members);
    return json_.object(members).text;
  }

  void addHead(std::vector<MemberText>& members) {
    members.push_back({R"("id")", R"("up-1")"});
    if (json_.onceIn(2)) members.push_back({R"("object")", json_.string()});
    if (json_.onceIn(2)) members.push_back({R"("created")", json_.number()});
    if (json_.onceIn(2)) members.push_back({R"("model")", json_.string()});
  }

  std::string choice(unsigned index, std::vector<MemberText> delta, const std::string& reason) {
    const bool has_role = !delta.empty() && delta.front().name == R"("role")";
    if (!clean_ && has_role && json_.onceIn(2)) delta.erase(delta.begin());
    std::vector<MemberText> members = {{R"("delta")", object(std::move(delta), 2)},
                                       {R"("finish_reason")", reason}};
    if (clean_ || json_.onceIn(2)) members.push_back({R"("index")", std::to_string(index)});
    if (json_.onceIn(3)) members.push_back({R"("logprobs")", R"({"content": [ ]})"});
    return object(members, 2);
  }

  std::string call(unsigned index, bool opens, bool in_stream) {
    const std::string number = std::to_string(index);
    std::string arguments = R"("{\"a\":1}")";
    if (in_stream && opens) arguments = bare_ ? R"("")" : R"("{\"a\":")";
    if (in_stream && !opens && !bare_) arguments = R"("1}")";
    std::vector<MemberText> function = {{R"("arguments")", arguments}};
    if (opens) function.push_back({R"("name")", "\"f" + number + "\""});
    std::vector<MemberText> members = {{R"("function")", object(function, 2)}};
    if (in_stream && (clean_ || json_.onceIn(2))) members.push_back({R"("index")", number});
    if (opens) {
      members.push_back({R"("id")", "\"call_" + std::to_string(++calls_) + "\""});
      if (clean_ || json_.onceIn(2)) members.push_back({R"("type")", R"("function")"});
    }
    return object(members, 2);
  }

  void event(const std::vector<std::string>& choices) {
    std::vector<MemberText> members = {{R"("choices")", json_.array(choices)}};
    add(members, 2);
    if (json_.onceIn(3)) members.push_back({R"("usage")", "null"});
    addHead(members);
    json_.shuffle(members);
    body += "data: " + json_.object(members).text + "\n\n";
    rests.push_back(restOf(members));
  }

  void addCalls(unsigned choices) {
    bare_ = json_.onceIn(2);
    for (const bool opens : {true, false}) {
      std::vector<std::string> list;
      for (unsigned i = 0; i < choices; ++i) {
        list.push_back(
            choice(i, {{R"("tool_calls")", json_.array({call(0, opens, true)})}}, "null"));
      }
      event(list);
    }
  }

  // Chunks that differ in their text alone.
  void addAlike() {
    const unsigned count = json_.below(5);
    if (count == 0) return;
    std::vector<MemberText> frame = {{R"("choices")", ""}};
    add(frame, 2);
    addHead(frame);
    json_.shuffle(frame);
    const std::string before = R"({"index":0,"delta":{"content":)";
    const std::string behind = "}" + json_.space() + R"(,"finish_reason":null})";
    for (unsigned i = 0; i < count; ++i) {
      std::vector<MemberText> members = frame;
      std::string text = "{";
      for (MemberText& member : members) {
        if (member.value.empty()) member.value = "[" + before + json_.string() + behind + "]";
        text += (text.size() == 1 ? "" : ",") + member.name + ":" + member.value;
      }
      body += "data: " + text + "}\n\n";
      rests.push_back(restOf(members));
    }
  }

  std::string usage() {
    std::vector<MemberText> members = {
        {R"("prompt_tokens")", "11"}, {R"("completion_tokens")", "7"}, {R"("total_tokens")", "18"}};
    usage_json = object(members, 3);
    return usage_json;
  }

  // What else is in the usage's event rides on the chunk before it.
  void addUsage() {
    if (json_.onceIn(2)) return;
    std::vector<MemberText> members;
    add(members, 2);
    std::string ridden;
    for (const MemberText& member : members) ridden += "," + member.name + ":" + member.value;
    rests.back().insert(rests.back().size() - 1, ridden);
    members.push_back({R"("choices")", "[]"});
    members.push_back({R"("usage")", usage()});
    body += "data: " + json_.object(members).text + "\n\n";
  }

  JsonTexts& json_;
  bool clean_;
  unsigned calls_ = 0;
  bool bare_ = false;  // a call opens without arguments
};

}  // namespace agw::test
