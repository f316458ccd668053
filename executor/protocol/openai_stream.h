// Chat completions: what upstreams answer, chunk by chunk, and what clients get. Pure.
// Source: OpenAI OpenAPI file, schemas "CreateChatCompletionResponse" and
// "CreateChatCompletionStreamResponse".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_reader.h"
#include "shared/edge_headers.h"

namespace agw::protocol {

// One element of "tool_calls", of a delta or of a whole message.
struct ToolCallPart {
  std::optional<unsigned> index;
  std::string id;
  std::string name;
  std::string arguments;
};

// What one upstream answer, or one chunk of it, says about choice 0, and the raw values that are
// passed on. Views point into the parsed text.
struct ChatChunk {
  std::vector<RawMember> members;  // the top level
  bool has_choice = false;
  bool whole_message = false;     // "message" rather than "delta": the answer was not streamed
  std::string content;            // text of choice 0; may be empty
  std::vector<RawMember> extras;  // further members of the delta (reasoning_content, refusal, ...)
  std::vector<ToolCallPart> tool_calls;
  std::string finish_reason;  // "" while there is none
  std::optional<Usage> usage;
};

// Fails with UpstreamInvalidResponse for what is no JSON object, and with UpstreamError for an
// "error" member; that text is the upstream's and goes to `detail`.
Result<ChatChunk> parseChatChunk(std::string_view json);

// Collects the tool calls of one assistant message from its fragments.
class ToolCallCollector {
 public:
  struct Call {
    std::string id;
    std::string name;
    std::string arguments;
  };

  // Bounds what a stream may make us keep; false: over the bound.
  static constexpr std::size_t kMaxCalls = 128;
  static constexpr std::size_t kMaxBytes = 8 << 20;

  // A part without index and id continues the last call; the same index with another id opens a new
  // one.
  bool add(const ToolCallPart& part);
  bool empty() const { return calls_.empty(); }
  // In the order in which they were opened. Missing ids are made, empty arguments become "{}".
  std::vector<Call> take();

 private:
  struct Open {
    std::optional<unsigned> index;
    Call call;
  };
  std::vector<Open> calls_;
  std::size_t bytes_ = 0;
};

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
std::string usageChunk(const AnswerIdentity& who, const Usage& usage);
// A chunk of a plain model with id, created and model replaced and usage left out. Empty: nothing
// else was in it.
std::string rewriteChunk(const AnswerIdentity& who, const ChatChunk& chunk);
// A whole answer of a plain model with `model` replaced.
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
