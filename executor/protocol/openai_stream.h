// Chat completions: what an upstream's answer says once everything in it has been put right.
// Source: OpenAI OpenAPI file, schemas "CreateChatCompletionResponse" and
// "CreateChatCompletionStreamResponse".
#pragma once

#include <boost/container/small_vector.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_reader.h"
#include "protocol/tool_calls.h"
#include "shared/edge_headers.h"

namespace agw::protocol {

struct ChoiceDelta {
  unsigned index = 0;
  std::string content;            // may be empty
  std::vector<RawMember> extras;  // further members that are not null: reasoning_content, ...
  std::vector<ToolCallPart> tool_calls;  // legacy function calls too
  // "" while there is none, else one of stop, length, tool_calls, content_filter, function_call.
  // Given once a choice; text may stand in the same chunk.
  std::string finish_reason;
};

// One chunk, or the whole answer where no stream was asked for. Views are valid until the next one
// is asked for.
struct ChatChunk {
  boost::container::small_vector<ChoiceDelta, 1> choices;
  // The members of its JSON object after id, object, created and model, which are ours to say:
  // `,"choices":[…],…}`, clean, and byte for byte the upstream's where nothing had to be changed.
  // Empty in the last event of a stream, which has nothing but the usage.
  std::string_view rest;
  // Once an answer: with the whole answer, or in an event of its own at the end of a stream.
  std::optional<Usage> usage;
  // In the last event of a stream: the usage as the upstream wrote it, clean. A whole answer has it
  // in `rest`.
  std::string_view usage_json;
};

}  // namespace agw::protocol
