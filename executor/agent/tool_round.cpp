#include "agent/tool_round.h"

#include <functional>
#include <utility>

#include "base/json_reader.h"
#include "base/parallel.h"

namespace agw::agent {
namespace {

using Call = protocol::ToolCallCollector::Call;

tool::Tool* findTool(const RunInput& input, const std::string& name) {
  for (tool::Tool* candidate : input.tools) {
    if (candidate->name() == name) return candidate;
  }
  return nullptr;
}

ToolRoundResult refusal(std::string text) { return {std::move(text), true}; }

net::awaitable<ToolRoundResult> runOne(const RunInput& input, const Call& call, RunReport& report,
                                       telemetry::Log& log) {
  tool::Tool* tool = findTool(input, call.name);
  if (tool == nullptr) co_return refusal("There is no tool named \"" + call.name + "\".");
  const Result<Json> arguments = parseJson(call.arguments);
  if (!arguments || !arguments->is_object()) {
    co_return refusal("The arguments of \"" + call.name + "\" must be a JSON object.");
  }
  const auto begin = Clock::now();
  ++report.tools_running;  // before the call: one that is cancelled on the way may have reached its
                           // tool
  tool::ToolCall request{call.arguments, input.deadline, input.request_id, input.traceparent};
  tool::ToolResult result = co_await tool->call(std::move(request));
  --report.tools_running;
  if (result.started) ++report.tool_calls;
  const auto spent = std::chrono::duration<double>(Clock::now() - begin).count();
  input.metrics.addToolCall(call.name, tool->provider(),
                            result.is_error ? telemetry::Outcome::Error : telemetry::Outcome::Ok,
                            spent);
  log.write(telemetry::Level::Info, "tool_call",
            {{"request_id", input.request_id},
             {"agent", input.agent.id},
             {"tool", call.name},
             {"duration_ms", spent * 1000},
             {"is_error", result.is_error}});
  co_return ToolRoundResult{
      boundToolText(std::move(result.text), input.agent.policies.max_tool_result_bytes),
      result.is_error};
}

}  // namespace

std::string boundToolText(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  const std::string mark = "\n[cut: " + std::to_string(text.size()) + " bytes in all]";
  std::size_t keep = limit > mark.size() ? limit - mark.size() : 0;
  while (keep > 0 && (static_cast<unsigned char>(text[keep]) & 0xC0) == 0x80) --keep;
  text.resize(keep);
  return text + mark;
}

net::awaitable<std::vector<ToolRoundResult>> runToolRound(const RunInput& input,
                                                          const std::vector<Call>& calls,
                                                          RunReport& report, telemetry::Log& log) {
  std::vector<ToolRoundResult> results(calls.size());
  const std::function<net::awaitable<void>(std::size_t)> job =
      [&](std::size_t i) -> net::awaitable<void> {
    results[i] = co_await runOne(input, calls[i], report, log);
  };
  co_await forEachParallel(calls.size(), input.agent.policies.max_parallel_tools, job);
  co_return results;
}

}  // namespace agw::agent
