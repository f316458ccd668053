// What the gateway does not know reaches the upstream byte for byte, in its order, of plain models
// and of agents: generated requests against what must go out, put together from the same pieces.
#include <gtest/gtest.h>

#include <iostream>
#include <string>
#include <vector>

#include "agent/context_builder.h"
#include "protocol/openai_chat.h"
#include "support/json_texts.h"

namespace agw::agent {
namespace {

using test::JsonTexts;
using test::MemberText;

constexpr std::uint32_t kSeed = 20261122;
constexpr unsigned kRequests = 100'000;
constexpr auto kInstructions = R"({"role":"system","content":"Say \"hi\"."})";
constexpr auto kAgentTool =
    R"({"type":"function","function":{"name":"weather","parameters":{"type":"object"}}})";

struct Generated {
  std::string body;
  std::string plain;  // what goes out for a plain model
  std::string agent;  // and on an agent's first hop
};

class RequestWriter {
 public:
  explicit RequestWriter(std::uint32_t seed) : json_(seed, true, false) {}

  Generated request(bool agent_has_tools) {
    messages_.clear();
    tools_.clear();
    choice_.clear();
    options_ = usage_options_ = "";
    stream_ = json_.onceIn(2);
    const std::vector<MemberText> members = topLevel();
    const test::ObjectText body = json_.object(members);
    Generated out;
    out.body = json_.space() + body.text + json_.space();
    out.plain = out.body;
    const std::size_t before = out.body.find('{');
    if (stream_ && options_.empty()) {
      out.plain.insert(out.plain.rfind('}'), R"(,"stream_options":{"include_usage":true})");
    }
    for (std::size_t i = members.size(); i-- > 0;) {
      const std::string& value = members[i].value;
      const std::size_t at = before + body.values[i];
      if (i == model_) out.plain.replace(at, value.size(), R"("up/model")");
      if (stream_ && i == options_at_) out.plain.replace(at, value.size(), usage_options_);
    }
    out.agent = agentBody(members, agent_has_tools);
    return out;
  }

 private:
  // First those that a run writes itself, then those that it passes on.
  std::vector<MemberText> topLevel() {
    std::vector<MemberText> members = {{json_.spelled("model"), R"("default/m")"},
                                       {json_.spelled("messages"), messages()}};
    if (stream_) members.push_back({json_.spelled("stream"), "true"});
    if (!stream_ && json_.onceIn(3))
      members.push_back({R"("stream")", json_.pick({"false", "null"})});
    const std::size_t options = members.size();
    if (json_.onceIn(2)) members.push_back({json_.spelled("stream_options"), streamOptions()});
    if (json_.onceIn(3)) members.push_back({json_.spelled("tools"), tools()});
    if (json_.onceIn(4)) {
      choice_ = json_.pick({R"("auto")", R"("required")",
                            R"({ "type":"function","function":{"name":"f"}})",
                            R"({"type":"allowed_tools","allowed_tools":{"mode":"auto"}})"});
      members.push_back({json_.spelled("tool_choice"), choice_});
    }
    if (json_.onceIn(5)) members.push_back({R"("n")", json_.pick({"1", "null"})});
    owned_ = members.size();
    if (json_.onceIn(3)) members.push_back({json_.spelled("temperature"), json_.number()});
    if (json_.onceIn(3)) {
      members.push_back(
          {json_.spelled("max_tokens"), json_.pick({"0", "64", "99999999999999999999"})});
    }
    if (json_.onceIn(3)) members.push_back({json_.spelled("user"), json_.string()});
    if (json_.onceIn(3)) members.push_back({json_.spelled("seed"), json_.value()});
    if (json_.onceIn(4)) members.push_back({R"("Model")", json_.value()});
    json_.addUnknown(members, 4);
    return mixed(members, options);
  }

  // In any order; the marks follow.
  std::vector<MemberText> mixed(const std::vector<MemberText>& members, std::size_t options) {
    std::vector<std::size_t> order(members.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    json_.shuffle(order);
    std::vector<MemberText> out;
    passed_on_.clear();
    options_at_ = members.size();
    for (const std::size_t from : order) {
      if (from == 0) model_ = out.size();
      if (!options_.empty() && from == options) options_at_ = out.size();
      passed_on_.push_back(from >= owned_);
      out.push_back(members[from]);
    }
    return out;
  }

  std::string messages() {
    for (unsigned count = 1 + json_.below(3); count != 0; --count) {
      std::vector<MemberText> members;
      switch (json_.below(4)) {
        case 0:
          members = {{json_.spelled("role"), R"("tool")"},
                     {json_.spelled("tool_call_id"), R"("call_\u0031")"},
                     {json_.spelled("content"), json_.string()}};
          break;
        case 1:
          members = {{json_.spelled("role"), R"("assistant")"},
                     {R"("tool_calls")", json_.array({known({{R"("id")", json_.string()}})})}};
          break;
        case 2:
          members = {{json_.spelled("role"), R"("\u0075ser")"}, {R"("content")", parts()}};
          break;
        default:
          members = {
              {json_.spelled("role"), json_.pick({R"("user")", R"("system")", R"("developer")"})},
              {json_.spelled("content"), json_.string()}};
      }
      messages_.push_back(known(std::move(members)));
    }
    return json_.array(messages_);
  }

  std::string parts() {
    std::vector<std::string> parts;
    for (unsigned count = json_.below(3); count != 0; --count) {
      parts.push_back(known(
          json_.onceIn(2)
              ? std::vector<MemberText>{{R"("type")", R"("text")"}, {R"("text")", json_.string()}}
              : std::vector<MemberText>{{R"("type")", R"("video_url")"}}));
    }
    return json_.array(parts);
  }

  std::string tools() {
    for (unsigned count = json_.below(3); count != 0; --count) {
      const std::string function =
          known({{json_.spelled("name"), "\"f" + std::to_string(count) + "\""}});
      tools_.push_back(json_.onceIn(3)
                           ? known({{R"("type")", R"("vendor")"}})
                           : known({{R"("type")", R"("function")"}, {R"("function")", function}}));
    }
    return json_.array(tools_);
  }

  // An object with these members and others that nobody knows, in any order.
  std::string known(std::vector<MemberText> members) {
    json_.addUnknown(members, 2);
    json_.shuffle(members);
    return json_.object(members).text;
  }

  std::string streamOptions() {
    if (!stream_ || json_.onceIn(4)) {
      options_ = "null";
      usage_options_ = R"({"include_usage":true})";
      return options_;
    }
    std::vector<MemberText> members;
    json_.addUnknown(members, 2);
    const bool says_usage = json_.onceIn(2);
    if (says_usage) {
      members.push_back({json_.spelled("include_usage"), json_.pick({"true", "false", "null"})});
    }
    json_.shuffle(members);
    const test::ObjectText written = json_.object(members);
    options_ = usage_options_ = written.text;
    for (std::size_t i = 0; i < members.size(); ++i) {
      const std::string& value = members[i].value;
      if (members[i].name.front() == '"' && members[i].name[1] != 'x' && says_usage) {
        usage_options_.replace(written.values[i], value.size(), "true");
      }
    }
    if (members.empty()) usage_options_ = R"({"include_usage":true})";
    if (!members.empty() && !says_usage) usage_options_.insert(1, R"("include_usage":true,)");
    return options_;
  }

  std::string agentBody(const std::vector<MemberText>& members, bool agent_has_tools) const {
    std::string out = R"({"model":"agent-model","messages":[)" + std::string(kInstructions);
    for (const std::string& message : messages_) out += "," + message;
    out += "]";
    std::string tools = agent_has_tools ? kAgentTool : "";
    for (const std::string& tool : tools_) tools += (tools.empty() ? "" : ",") + tool;
    if (!tools.empty()) out += R"(,"tools":[)" + tools + "]";
    if (!choice_.empty()) out += R"(,"tool_choice":)" + choice_;
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (passed_on_[i]) out += "," + members[i].name + ":" + members[i].value;
    }
    if (!stream_) return out + "}";
    const std::string options = options_.empty() ? R"({"include_usage":true})" : usage_options_;
    return out + R"(,"stream":true,"stream_options":)" + options + "}";
  }

  JsonTexts json_;
  std::vector<std::string> messages_;
  std::vector<std::string> tools_;
  std::string choice_;
  bool stream_ = false;
  std::string options_;        // "stream_options" as it was written
  std::string usage_options_;  // and as it goes out
  std::size_t owned_ = 0;
  std::size_t model_ = 0;
  std::size_t options_at_ = 0;
  std::vector<bool> passed_on_;  // by agents
};

TEST(RequestRoundTrip, KeepsEveryByteOfWhatNobodyKnows) {
  std::cout << "seed " << kSeed << ", " << kRequests << " requests\n";
  config::AgentSettings agent;
  agent.model = "agent-model";
  agent.instructions = "Say \"hi\".";
  const std::vector<tool::ToolSpec> tools = {{"weather", "", R"({"type":"object"})"}};
  RequestWriter writer(kSeed);
  for (unsigned i = 0; i < kRequests; ++i) {
    const bool has_tools = i % 2 == 0;
    const Generated expected = writer.request(has_tools);
    auto request = protocol::parseChatRequest(expected.body);
    ASSERT_TRUE(request) << "request " << i << ": " << request.error().message << "\n"
                         << expected.body;
    const ContextBuilder builder(**request, agent,
                                 has_tools ? tools : std::vector<tool::ToolSpec>());
    ASSERT_EQ(builder.body((*request)->stream, true), expected.agent) << "request " << i << "\n"
                                                                      << expected.body;
    ASSERT_EQ(protocol::takePlainBody(**request, "up/model"), expected.plain)
        << "request " << i << "\n"
        << expected.body;
  }
}

}  // namespace
}  // namespace agw::agent
