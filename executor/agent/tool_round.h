// One round of tool calls, as the model asked for them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "agent/run_loop.h"

namespace agw::agent {

struct ToolRoundResult {
  std::string text;  // for the model, at most the agent's max_tool_result_bytes
  bool is_error = false;
};

// Runs every call, at most the agent's max_parallel_tools at a time; results are in the order of
// the calls. A call that cannot run (unknown tool, arguments that are no JSON object) is a result
// with is_error: the model is told.
net::awaitable<std::vector<ToolRoundResult>> runToolRound(
    const RunInput& input, const std::vector<protocol::ToolCallCollector::Call>& calls,
    RunReport& report, telemetry::Log& log);

// At most `limit` bytes, cut at a character border, with a mark that says so.
std::string boundToolText(std::string text, std::size_t limit);

}  // namespace agw::agent
