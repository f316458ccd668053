#include "protocol/openai_stream.h"

#include <simdjson.h>

#include <utility>

#include "base/id.h"

namespace agw::protocol {
namespace {

namespace dom = simdjson::dom;

std::string text(const dom::element& value) {
  std::string_view view;
  return value.get(view) == simdjson::SUCCESS ? std::string(view) : std::string();
}

std::string text(const dom::object& object, const char* key) {
  dom::element value;
  return object[key].get(value) == simdjson::SUCCESS ? text(value) : std::string();
}

std::optional<Usage> readUsage(const dom::object& top) {
  dom::object usage;
  if (top["usage"].get(usage) != simdjson::SUCCESS) return std::nullopt;
  Usage out;
  if (usage["prompt_tokens"].get(out.prompt_tokens) != simdjson::SUCCESS) return std::nullopt;
  if (usage["completion_tokens"].get(out.completion_tokens) != simdjson::SUCCESS) {
    out.completion_tokens = 0;  // embeddings-like answers have none
  }
  out.total_tokens = out.prompt_tokens + out.completion_tokens;
  if (out.prompt_tokens < 0 || out.completion_tokens < 0) return std::nullopt;
  return out;
}

ToolCallPart readToolCall(const dom::object& call) {
  ToolCallPart part;
  std::uint64_t index = 0;
  if (call["index"].get(index) == simdjson::SUCCESS) part.index = static_cast<unsigned>(index);
  part.id = text(call, "id");
  dom::object function;
  if (call["function"].get(function) != simdjson::SUCCESS) return part;
  part.name = text(function, "name");
  dom::element arguments;
  if (function["arguments"].get(arguments) == simdjson::SUCCESS) {
    // Some servers send the object itself instead of its text.
    part.arguments = arguments.is_object() ? simdjson::minify(arguments) : text(arguments);
  }
  return part;
}

void readDelta(const dom::object& delta, std::string_view raw, ChatChunk& chunk) {
  chunk.content = text(delta, "content");
  dom::array calls;
  if (delta["tool_calls"].get(calls) == simdjson::SUCCESS) {
    for (const dom::element call : calls) {
      dom::object object;
      if (call.get(object) == simdjson::SUCCESS) chunk.tool_calls.push_back(readToolCall(object));
    }
  }
  for (RawMember& member : splitObject(raw)) {
    if (member.key != "role" && member.key != "content" && member.key != "tool_calls" &&
        member.value != "null") {
      chunk.extras.push_back(std::move(member));
    }
  }
}

std::string_view rawValue(const std::vector<RawMember>& members, std::string_view key) {
  for (const RawMember& member : members) {
    if (member.key == key) return member.value;
  }
  return {};
}

void readChoice(const dom::object& choice, std::string_view raw, ChatChunk& chunk) {
  chunk.has_choice = true;
  chunk.finish_reason = text(choice, "finish_reason");
  const auto members = splitObject(raw);
  dom::object delta;
  if (choice["delta"].get(delta) == simdjson::SUCCESS) {
    readDelta(delta, rawValue(members, "delta"), chunk);
  } else if (choice["message"].get(delta) == simdjson::SUCCESS) {
    chunk.whole_message = true;
    readDelta(delta, rawValue(members, "message"), chunk);
  }
}

Error upstreamSaid(const dom::element& error) {
  std::string detail;
  std::string_view view;
  if (error.get(view) == simdjson::SUCCESS) {
    detail = std::string(view);
  } else if (dom::object object; error.get(object) == simdjson::SUCCESS) {
    detail = text(object, "message");
  }
  return upstreamError(ErrorCode::UpstreamError, "The upstream reported an error.",
                       std::move(detail));
}

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

void appendUsage(std::string& out, const Usage& usage) {
  out.append(R"(,"usage":)").append(formatUsage(usage));
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

}  // namespace

Result<ChatChunk> parseChatChunk(std::string_view json) {
  thread_local dom::parser parser;  // keeps its buffers between chunks
  dom::element document;
  dom::object top;
  if (parser.parse(json.data(), json.size()).get(document) != simdjson::SUCCESS ||
      document.get(top) != simdjson::SUCCESS) {
    return upstreamError(ErrorCode::UpstreamInvalidResponse,
                         "The upstream's answer is no JSON object.");
  }
  dom::element error;
  if (top["error"].get(error) == simdjson::SUCCESS && !error.is_null()) return upstreamSaid(error);

  ChatChunk chunk;
  chunk.members = splitObject(json);
  chunk.usage = readUsage(top);
  dom::array choices;
  if (top["choices"].get(choices) != simdjson::SUCCESS) return chunk;
  dom::object choice;
  if (choices.at(0).get(choice) == simdjson::SUCCESS) {
    const auto raw = splitArray(rawValue(chunk.members, "choices"));
    readChoice(choice, raw.front(), chunk);
  }
  return chunk;
}

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

std::string usageChunk(const AnswerIdentity& who, const Usage& usage) {
  std::string out;
  appendHead(out, who, "chat.completion.chunk");
  out.append(R"(,"choices":[])");
  appendUsage(out, usage);
  out.push_back('}');
  return out;
}

std::string rewriteChunk(const AnswerIdentity& who, const ChatChunk& chunk) {
  const std::string_view choices = rawValue(chunk.members, "choices");
  if (choices.empty() || splitArray(choices).empty()) return {};
  std::string out;
  appendHead(out, who, "chat.completion.chunk");
  for (const RawMember& member : chunk.members) {
    if (member.key == "id" || member.key == "object" || member.key == "created" ||
        member.key == "model" || member.key == "usage") {
      continue;
    }
    out.push_back(',');
    appendJsonString(out, member.key);
    out.push_back(':');
    out.append(member.value);
  }
  out.push_back('}');
  return out;
}

std::string rewriteAnswer(const AnswerIdentity& who, const ChatChunk& answer) {
  std::string out;
  appendHead(out, who, "chat.completion");
  for (const RawMember& member : answer.members) {
    if (member.key == "id" || member.key == "object" || member.key == "created" ||
        member.key == "model") {
      continue;
    }
    out.push_back(',');
    appendJsonString(out, member.key);
    out.push_back(':');
    out.append(member.value);
  }
  out.push_back('}');
  return out;
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
  if (message.usage) appendUsage(out, *message.usage);
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
