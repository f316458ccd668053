#include "agent/run_loop.h"

#include <algorithm>
#include <set>
#include <utility>

#include "agent/context_builder.h"
#include "agent/tool_round.h"
#include "base/id.h"
#include "protocol/openai_answer.h"

namespace agw::agent {
namespace {

using Calls = std::vector<protocol::ToolCallCollector::Call>;

// One LLM call, read to its end.
struct Hop {
  std::string content;
  std::string finish_reason;
  Calls calls;
};

Error runTimeout() {
  return gatewayError(ErrorCode::RunTimeout, "The run reached its time limit.");
}

bool isClientTool(const RunInput& input, const std::string& name) {
  return std::any_of(input.request.tools.begin(), input.request.tools.end(),
                     [&](const protocol::ClientTool& tool) { return tool.name == name; });
}

class Run {
 public:
  Run(const RunInput& input, RunSink& sink, RunReport& report, telemetry::Log& log,
      std::vector<tool::ToolSpec> specs)
      : input_(input),
        sink_(sink),
        report_(report),
        log_(log),
        context_(input.request, input.agent, specs) {}

  net::awaitable<Result<RunOutcome>> run() {
    for (unsigned round = 0;; ++round) {
      Result<Hop> hop = co_await callModel(round == 0);
      if (!hop) co_return hop.error();
      if (hop->calls.empty()) co_return RunOutcome{finishReason(*hop), {}};
      if (Calls for_client = clientCalls(hop->calls); !for_client.empty()) {
        co_return RunOutcome{"tool_calls", std::move(for_client)};
      }
      if (round >= input_.agent.policies.max_tool_hops) co_return co_await hopLimit();
      co_await runTools(*hop);
    }
  }

 private:
  net::awaitable<Result<Hop>> callModel(bool first) {
    if (input_.deadline.expired()) co_return runTimeout();
    upstream::ChatCall call;
    call.body = context_.body(input_.request.stream, first);
    call.stream = input_.request.stream;
    call.request_id = input_.request_id;
    call.traceparent = input_.traceparent;
    call.deadline = input_.deadline;
    auto answer = co_await input_.backend.open(std::move(call));
    if (!answer) co_return asRunError(answer.error());
    ++report_.llm_calls;
    report_.upstream = (*answer)->upstream();
    co_return co_await readAnswer(**answer);
  }

  net::awaitable<Result<Hop>> readAnswer(upstream::ChatAnswer& answer) {
    Hop hop;
    protocol::ToolCallCollector collector;
    std::optional<Usage> usage;
    std::optional<unsigned> choice;
    for (;;) {
      auto chunk = co_await answer.next();
      if (!chunk) co_return asRunError(chunk.error());
      if (!*chunk) break;
      if ((*chunk)->usage) usage = (*chunk)->usage;
      for (const protocol::ChoiceDelta& piece : (*chunk)->choices) {
        // One answer was asked for; a server that gives several has its first one taken.
        if (piece.index != choice.value_or(piece.index)) continue;
        choice = piece.index;
        if (!piece.finish_reason.empty()) hop.finish_reason = piece.finish_reason;
        for (const protocol::ToolCallPart& part : piece.tool_calls) collector.add(part);
        if (piece.content.empty() && piece.extras.empty()) continue;
        if (auto sent = co_await send(piece, hop); !sent) co_return sent.error();
      }
    }
    hop.calls = collector.take();
    makeIdsUnique(hop.calls);
    addUsage(usage);
    co_return hop;
  }

  net::awaitable<Result<void>> send(const protocol::ChoiceDelta& piece, Hop& hop) {
    const bool new_paragraph = hop.content.empty() && !piece.content.empty() && said_something_;
    hop.content += piece.content;
    said_something_ = said_something_ || !piece.content.empty();
    if (!new_paragraph) return sink_.onContent(piece.content, piece.extras);
    // Text before a tool call and text after it come from two answers.
    return sendParagraph("\n\n" + piece.content, piece.extras);
  }

  net::awaitable<Result<void>> sendParagraph(std::string text,
                                             const std::vector<RawMember>& extras) {
    co_return co_await sink_.onContent(text, extras);
  }

  net::awaitable<void> runTools(const Hop& hop) {
    context_.append(protocol::assistantToolCallMessage(hop.content, hop.calls));
    const auto results = co_await runToolRound(input_, hop.calls, report_, log_);
    for (std::size_t i = 0; i < hop.calls.size(); ++i) {
      context_.append(protocol::toolResultMessage(hop.calls[i].id, results[i].text));
    }
  }

  net::awaitable<Result<RunOutcome>> hopLimit() {
    const std::string text =
        std::string(said_something_ ? "\n\n" : "") + "[The run stopped: the limit of " +
        std::to_string(input_.agent.policies.max_tool_hops) + " tool hops was reached.]";
    const std::vector<RawMember> no_extras;
    if (auto sent = co_await sink_.onContent(text, no_extras); !sent) co_return sent.error();
    co_return RunOutcome{"length", {}};
  }

  // A timeout that is the run's own, not the upstream's.
  Error asRunError(const Error& error) const {
    if (error.code == ErrorCode::UpstreamTimeout && input_.deadline.expired()) return runTimeout();
    return error;
  }

  Calls clientCalls(const Calls& calls) const {
    Calls out;
    for (const auto& call : calls) {
      if (isClientTool(input_, call.name)) out.push_back(call);
    }
    return out;
  }

  // Some servers give every call the same short id; the history of a run must not hold one twice.
  void makeIdsUnique(Calls& calls) {
    for (auto& call : calls) {
      while (!ids_.insert(call.id).second) call.id = randomId("call_");
    }
  }

  void addUsage(const std::optional<Usage>& usage) {
    if (!usage || (report_.llm_calls > 1 && !report_.usage)) {
      report_.usage.reset();  // a sum with a hop left out would be wrong
      return;
    }
    Usage sum = report_.usage.value_or(Usage{});
    sum.prompt_tokens += usage->prompt_tokens;
    sum.completion_tokens += usage->completion_tokens;
    sum.total_tokens += usage->total_tokens;
    report_.usage = sum;
  }

  static std::string finishReason(const Hop& hop) {
    // The calls, if there were any, were the agent's own.
    if (hop.finish_reason == "length" || hop.finish_reason == "content_filter") {
      return hop.finish_reason;
    }
    return "stop";
  }

  const RunInput& input_;
  RunSink& sink_;
  RunReport& report_;
  telemetry::Log& log_;
  ContextBuilder context_;
  std::set<std::string> ids_;
  bool said_something_ = false;
};

}  // namespace

net::awaitable<Result<RunOutcome>> runAgent(const RunInput& input, RunSink& sink, RunReport& report,
                                            telemetry::Log& log) {
  std::vector<tool::ToolSpec> specs;
  specs.reserve(input.tools.size());
  for (tool::Tool* tool : input.tools) {
    specs.push_back(co_await tool->describe(input.deadline));
  }
  if (auto checked = checkToolNames(input.request, specs); !checked) co_return checked.error();
  Run run(input, sink, report, log, std::move(specs));
  co_return co_await run.run();
}

}  // namespace agw::agent
