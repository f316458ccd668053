// The tool calls of an assistant message, as upstreams send them and as clients get them. Pure.
// Source: OpenAI OpenAPI file, schemas "ChatCompletionMessageToolCall" and
// "ChatCompletionMessageToolCallChunk".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace agw::protocol {

// One element of "tool_calls", of a delta or of a whole message.
struct ToolCallPart {
  std::optional<unsigned> index;
  std::string id;
  std::string name;
  std::string arguments;
};

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

}  // namespace agw::protocol
