// One interface for every kind of tool that an agent may call. A Tool lives on one io_context.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>

#include "base/deadline.h"
#include "base/error.h"

namespace agw::tool {

namespace net = boost::asio;

struct ToolSpec {
  std::string name;  // as the model sees it
  std::string description;
  std::string parameters_json;  // JSON Schema of the arguments
};

struct ToolCall {
  std::string arguments_json;  // a JSON object, checked by the caller
  Deadline deadline;
  std::string request_id;
  std::string traceparent;
};

// What goes back to the model. A failure is a result with is_error, not an Error: the model must
// see it.
struct ToolResult {
  std::string text;
  bool is_error = false;
  bool started = false;  // false: nothing reached the tool (so nothing can have happened)
};

class Tool {
 public:
  virtual ~Tool() = default;
  virtual const std::string& name() const = 0;
  virtual std::string_view provider() const = 0;  // as the configuration calls it
  // The spec for the model; may ask an MCP server on first use, afterwards from memory. Never
  // fails: when the server cannot be asked, the configured description with an open schema.
  virtual net::awaitable<ToolSpec> describe(Deadline deadline) = 0;
  virtual net::awaitable<ToolResult> call(ToolCall call) = 0;
};

}  // namespace agw::tool
