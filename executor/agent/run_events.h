// What a run tells its caller. The run loop knows nothing of HTTP: chat completions and tests are
// sinks.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_reader.h"
#include "protocol/openai_stream.h"
#include "shared/edge_headers.h"

namespace agw::agent {

namespace net = boost::asio;

// Called in order, never concurrently. An error (the client is gone or does not read) ends the run.
class RunSink {
 public:
  virtual ~RunSink() = default;
  // Text for the client, with further members of the delta (reasoning_content, ...) as raw JSON.
  // Views are valid during the call.
  virtual net::awaitable<Result<void>> onContent(std::string_view text,
                                                 const std::vector<RawMember>& extras) = 0;
};

struct RunOutcome {
  std::string finish_reason;
  std::vector<protocol::ToolCallCollector::Call>
      client_tool_calls;  // calls of tools that the client sent
};

// Filled in while the run goes on, so that it is true on every way out.
struct RunReport {
  unsigned llm_calls = 0;
  unsigned tool_calls = 0;     // that reached their tool and have ended
  unsigned tools_running = 0;  // not taken back when a run is cancelled in mid-call
  std::optional<Usage> usage;  // over all hops; empty when a hop reported none
  std::string upstream;        // that answered last

  // From here on a failure is 424: nothing may run the tools a second time.
  bool toolStarted() const { return tool_calls + tools_running > 0; }
};

}  // namespace agw::agent
