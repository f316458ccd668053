// Chat completions: what upstreams answer, whole or chunk by chunk. Pure.
// Source: OpenAI OpenAPI file, schemas "CreateChatCompletionResponse" and
// "CreateChatCompletionStreamResponse".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_reader.h"
#include "protocol/tool_calls.h"
#include "shared/edge_headers.h"

namespace agw::protocol {

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

}  // namespace agw::protocol
