// Chat completions: what clients get, whole or chunk by chunk, and the messages that a run adds.
// Pure. Source: OpenAI OpenAPI file, schemas "CreateChatCompletionResponse" and
// "CreateChatCompletionStreamResponse".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_reader.h"
#include "protocol/openai_stream.h"
#include "protocol/tool_calls.h"
#include "shared/edge_headers.h"

namespace agw::protocol {

// The fixed fields of every chunk of one answer.
struct AnswerIdentity {
  std::string id;        // "chatcmpl-…"
  std::int64_t created;  // Unix seconds
  std::string model;     // as the client asked for it
};

std::string contentChunk(const AnswerIdentity& who, bool first, std::string_view content,
                         const std::vector<RawMember>& extras);
std::string toolCallsChunk(const AnswerIdentity& who, bool first,
                           const std::vector<ToolCallCollector::Call>& calls);
std::string finishChunk(const AnswerIdentity& who, bool first, std::string_view finish_reason);
// `usage` is the JSON object of that name.
std::string usageChunk(const AnswerIdentity& who, std::string_view usage);
// A chunk of a plain model under our id, created and model. Empty: it holds nothing but the usage.
std::string rewriteChunk(const AnswerIdentity& who, const ChatChunk& chunk);
// The same for a whole answer.
std::string rewriteAnswer(const AnswerIdentity& who, const ChatChunk& answer);

struct FinalMessage {
  std::string content;
  bool has_content = true;                                  // false: null
  std::vector<std::pair<std::string, std::string>> extras;  // name and raw JSON value
  std::vector<ToolCallCollector::Call> tool_calls;
  std::string finish_reason;
  std::optional<Usage> usage;
};
std::string chatCompletion(const AnswerIdentity& who, const FinalMessage& message);

// "data: <json>\n\n"
std::string sseData(std::string_view json);

// The assistant message that asked for tools, for the next upstream request.
std::string assistantToolCallMessage(std::string_view content,
                                     const std::vector<ToolCallCollector::Call>& calls);
std::string toolResultMessage(std::string_view tool_call_id, std::string_view text);

}  // namespace agw::protocol
