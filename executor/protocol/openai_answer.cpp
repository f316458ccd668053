#include "protocol/openai_answer.h"

namespace agw::protocol {
namespace {

void appendHead(std::string& out, const AnswerIdentity& who, std::string_view object) {
  out.append(R"({"id":)");
  appendJsonString(out, who.id);
  out.append(R"(,"object":")").append(object).append(R"(","created":)");
  out.append(std::to_string(who.created)).append(R"(,"model":)");
  appendJsonString(out, who.model);
}

void appendDeltaHead(std::string& out, const AnswerIdentity& who, bool first) {
  appendHead(out, who, "chat.completion.chunk");
  out.append(R"(,"choices":[{"index":0,"delta":{)");
  if (first) out.append(R"("role":"assistant")");
}

void appendDeltaTail(std::string& out, std::string_view finish_reason) {
  out.append(R"(},"logprobs":null,"finish_reason":)");
  if (finish_reason.empty()) {
    out.append("null");
  } else {
    appendJsonString(out, finish_reason);
  }
  out.append("}]}");
}

void appendCall(std::string& out, const ToolCallCollector::Call& call) {
  out.append(R"("id":)");
  appendJsonString(out, call.id);
  out.append(R"(,"type":"function","function":{"name":)");
  appendJsonString(out, call.name);
  out.append(R"(,"arguments":)");
  appendJsonString(out, call.arguments);
  out.append("}}");
}

std::string withOurHead(const AnswerIdentity& who, std::string_view object, std::string_view rest) {
  if (rest.empty()) return {};
  std::string out;
  out.reserve(rest.size() + who.id.size() + who.model.size() + 96);
  appendHead(out, who, object);
  return out.append(rest);
}

}  // namespace

std::string contentChunk(const AnswerIdentity& who, bool first, std::string_view content,
                         const std::vector<RawMember>& extras) {
  std::string out;
  appendDeltaHead(out, who, first);
  out.append(first ? R"(,"content":)" : R"("content":)");
  appendJsonString(out, content);
  for (const RawMember& extra : extras) {
    out.push_back(',');
    appendJsonString(out, extra.key);
    out.push_back(':');
    out.append(extra.value);
  }
  appendDeltaTail(out, {});
  return out;
}

std::string toolCallsChunk(const AnswerIdentity& who, bool first,
                           const std::vector<ToolCallCollector::Call>& calls) {
  std::string out;
  appendDeltaHead(out, who, first);
  out.append(first ? R"(,"content":null,"tool_calls":[)" : R"("tool_calls":[)");
  for (std::size_t i = 0; i < calls.size(); ++i) {
    out.append(i == 0 ? R"({"index":)" : R"(,{"index":)").append(std::to_string(i)).push_back(',');
    appendCall(out, calls[i]);
  }
  out.push_back(']');
  appendDeltaTail(out, {});
  return out;
}

std::string finishChunk(const AnswerIdentity& who, bool first, std::string_view finish_reason) {
  std::string out;
  appendDeltaHead(out, who, first);
  if (first) out.append(R"(,"content":"")");
  appendDeltaTail(out, finish_reason);
  return out;
}

std::string usageChunk(const AnswerIdentity& who, std::string_view usage) {
  std::string out;
  appendHead(out, who, "chat.completion.chunk");
  out.append(R"(,"choices":[],"usage":)").append(usage).push_back('}');
  return out;
}

std::string rewriteChunk(const AnswerIdentity& who, const ChatChunk& chunk) {
  return withOurHead(who, "chat.completion.chunk", chunk.rest);
}

std::string rewriteAnswer(const AnswerIdentity& who, const ChatChunk& answer) {
  return withOurHead(who, "chat.completion", answer.rest);
}

std::string chatCompletion(const AnswerIdentity& who, const FinalMessage& message) {
  std::string out;
  appendHead(out, who, "chat.completion");
  out.append(R"(,"choices":[{"index":0,"message":{"role":"assistant","content":)");
  if (message.has_content) {
    appendJsonString(out, message.content);
  } else {
    out.append("null");
  }
  bool has_refusal = false;
  for (const auto& [name, value] : message.extras) {
    has_refusal = has_refusal || name == "refusal";
    out.push_back(',');
    appendJsonString(out, name);
    out.append(":").append(value);
  }
  if (!has_refusal) out.append(R"(,"refusal":null)");
  if (!message.tool_calls.empty()) {
    out.append(R"(,"tool_calls":[)");
    for (std::size_t i = 0; i < message.tool_calls.size(); ++i) {
      out.append(i == 0 ? "{" : ",{");
      appendCall(out, message.tool_calls[i]);
    }
    out.push_back(']');
  }
  out.append(R"(},"logprobs":null,"finish_reason":)");
  appendJsonString(out, message.finish_reason);
  out.append("}]");
  if (message.usage) out.append(R"(,"usage":)").append(formatUsage(*message.usage));
  out.push_back('}');
  return out;
}

std::string sseData(std::string_view json) {
  std::string out;
  out.reserve(json.size() + 8);
  out.append("data: ").append(json).append("\n\n");
  return out;
}

std::string assistantToolCallMessage(std::string_view content,
                                     const std::vector<ToolCallCollector::Call>& calls) {
  std::string out = R"({"role":"assistant","content":)";
  if (content.empty()) {
    out.append("null");
  } else {
    appendJsonString(out, content);
  }
  out.append(R"(,"tool_calls":[)");
  for (std::size_t i = 0; i < calls.size(); ++i) {
    out.append(i == 0 ? "{" : ",{");
    appendCall(out, calls[i]);
  }
  out.append("]}");
  return out;
}

std::string toolResultMessage(std::string_view tool_call_id, std::string_view text) {
  std::string out = R"({"role":"tool","tool_call_id":)";
  appendJsonString(out, tool_call_id);
  out.append(R"(,"content":)");
  appendJsonString(out, text);
  out.push_back('}');
  return out;
}

}  // namespace agw::protocol
