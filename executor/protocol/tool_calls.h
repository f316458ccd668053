// The tool calls of an assistant message, as the shield gives them and as clients get them. Pure.
// Source: OpenAI OpenAPI file, schemas "ChatCompletionMessageToolCall" and
// "ChatCompletionMessageToolCallChunk".
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace agw::protocol {

// A piece of one call, with what servers leave out or repeat put right (tool_call_repair.h): calls
// are numbered from 0 without gaps, and the first part of a call, and only that, has id and name.
struct ToolCallPart {
  unsigned index = 0;
  std::string id;
  std::string name;
  std::string arguments;
};

// Collects the tool calls of one assistant message from such parts.
class ToolCallCollector {
 public:
  struct Call {
    std::string id;
    std::string name;
    std::string arguments;
  };

  // Bounds what an answer may make us keep.
  static constexpr std::size_t kMaxCalls = 128;
  static constexpr std::size_t kMaxBytes = 8 << 20;

  void add(const ToolCallPart& part);
  bool empty() const { return calls_.empty(); }
  // In the order in which they were opened.
  std::vector<Call> take();

 private:
  std::vector<Call> calls_;
};

}  // namespace agw::protocol
