// Chat completions: the request as clients send it, and the bodies that go to upstreams. Pure.
// Source: OpenAI OpenAPI file, schema "CreateChatCompletionRequest".
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_reader.h"
#include "shared/model_id.h"

namespace agw::protocol {

struct ClientTool {
  std::string name;
  std::string_view definition;  // the element of "tools" as it was written
};

// A checked request. Views point into `body`, so the object neither moves nor copies.
struct ChatRequest {
  ChatRequest() = default;
  ChatRequest(const ChatRequest&) = delete;
  ChatRequest& operator=(const ChatRequest&) = delete;

  std::string body;
  std::vector<RawMember> members;          // the top level, in order, no key twice
  std::vector<std::string_view> messages;  // the elements of "messages"
  std::vector<ClientTool> tools;
  std::string_view tool_choice;  // empty: absent
  std::string model;             // as the client wrote it, unescaped
  CanonicalModelId model_id;
  bool stream = false;
  bool include_usage = false;  // stream_options.include_usage
  unsigned choices = 1;        // "n"

  // The value of a member of the top level as it was written; "" when there is none.
  std::string_view rawMember(std::string_view key) const;

  // For a stream that may be open for long: gives the memory of the text back, and with it the
  // views.
  void forgetText();
};

// Errors are the client's, with `param` naming the field. Faults that the edge's body scanner finds
// too have the same code, param and text there.
Result<std::unique_ptr<ChatRequest>> parseChatRequest(std::string body);

// "stream_options" as the client wrote it, with include_usage set; "" or null: with nothing else.
std::string withUsageAsked(std::string_view stream_options);

// The request for a plain upstream model: the client's bytes with `model` replaced and, for
// streams, usage asked for. Takes the text out of the request, as forgetText() does.
std::string takePlainBody(ChatRequest& request, std::string_view upstream_model);

}  // namespace agw::protocol
