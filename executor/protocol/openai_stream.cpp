#include "protocol/openai_stream.h"

#include <simdjson.h>

#include <utility>

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

}  // namespace agw::protocol
