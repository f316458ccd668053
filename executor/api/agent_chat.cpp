#include "api/agent_chat.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>
#include <variant>
#include <vector>

#include "agent/run_loop.h"
#include "api/answer_identity.h"
#include "api/chat_stream.h"
#include "api/error_reply.h"
#include "api/message_collector.h"

namespace agw::api {
namespace {

using boost::asio::experimental::awaitable_operators::operator||;

// The run's text as chunks of the stream.
class StreamSink final : public agent::RunSink {
 public:
  explicit StreamSink(ChatStream& stream) : stream_(stream) {}

  net::awaitable<Result<void>> onContent(std::string_view text,
                                         const std::vector<RawMember>& extras) override {
    return stream_.event(protocol::contentChunk(stream_.who(), takeFirst(), text, extras));
  }

  net::awaitable<Result<void>> finish(agent::RunOutcome outcome, std::optional<Usage> usage) {
    if (!outcome.client_tool_calls.empty()) {
      std::string calls =
          protocol::toolCallsChunk(stream_.who(), takeFirst(), outcome.client_tool_calls);
      auto sent = co_await stream_.event(std::move(calls));
      if (!sent) co_return sent;
    }
    std::string last = protocol::finishChunk(stream_.who(), takeFirst(), outcome.finish_reason);
    auto sent = co_await stream_.event(std::move(last));
    if (!sent) co_return sent;
    co_return co_await stream_.done(usage);
  }

 private:
  bool takeFirst() { return std::exchange(first_, false); }

  ChatStream& stream_;
  bool first_ = true;
};

void record(RequestContext& context, const agent::RunReport& report) {
  context.record.usage = report.usage;
  context.record.llm_calls = report.llm_calls;
  context.record.tool_calls = report.tool_calls;
  if (!report.upstream.empty()) context.record.upstream = report.upstream;
}

Error runError(const Error& error, const agent::RunReport& report) {
  return report.toolStarted() ? afterToolStarted(error) : error;
}

net::awaitable<Result<void>> answerWhole(RequestContext& context, const agent::RunInput& input,
                                         const ThreadParts& parts) {
  MessageCollector collector;
  agent::RunReport report;
  auto outcome = co_await agent::runAgent(input, collector, report, parts.service.log);
  record(context, report);
  if (!outcome) co_return runError(outcome.error(), report);
  protocol::FinalMessage message =
      collector.take(std::move(outcome->finish_reason), std::move(outcome->client_tool_calls));
  message.usage = report.usage;
  std::string body = protocol::chatCompletion(newAnswer(input.request), message);
  io::HttpHeaders headers = jsonAnswerHeaders(context, report.usage);
  co_return co_await context.response.send(200, std::move(headers), std::move(body));
}

net::awaitable<Result<void>> answerStream(RequestContext& context, const agent::RunInput& input,
                                          const ThreadParts& parts) {
  const auto executor = co_await net::this_coro::executor;
  ChatStreamOptions options = streamOptions(context, input.request, parts);
  ChatStream stream(executor, context.response, std::move(options));
  StreamSink sink(stream);
  agent::RunReport report;
  auto ended =
      co_await (agent::runAgent(input, sink, report, parts.service.log) || stream.keepAlive());
  record(context, report);
  if (ended.index() == 1) co_return Result<void>();  // the client is gone; the writer knows
  Result<agent::RunOutcome>& outcome = std::get<0>(ended);
  if (outcome) co_return co_await sink.finish(std::move(*outcome), report.usage);
  Error error = runError(outcome.error(), report);
  if (!stream.started()) co_return error;
  context.record.error = error;
  co_return co_await stream.fail(std::move(error), report.usage);
}

}  // namespace

net::awaitable<Result<void>> agentChat(RequestContext& context, const ThreadParts& parts,
                                       const protocol::ChatRequest& request,
                                       const config::AgentSettings& agent) {
  if (!agent.error.empty()) {
    co_return gatewayError(ErrorCode::AgentUnavailable,
                           "The agent \"" + request.model + "\" is configured but cannot run.",
                           agent.error);
  }
  if (request.choices > 1) {
    co_return clientError(ErrorCode::UnsupportedParameter,
                          "An agent gives one answer; leave \"n\" out or set it to 1.", "n");
  }
  upstream::ChatBackend* backend = parts.upstreams->find(agent);
  if (backend == nullptr) {
    co_return gatewayError(ErrorCode::InternalError, "The agent cannot run.",
                           "no upstream of " + agent.id);
  }
  std::vector<tool::Tool*> tools;
  for (const std::string& key : agent.tools) {
    if (tool::Tool* tool = parts.tools->find(key); tool != nullptr) tools.push_back(tool);
  }
  context.run_id = randomId("run_");
  const Deadline deadline = earlier(context.deadline, Deadline::in(agent.policies.max_run));
  const agent::RunInput input{
      request,      agent, *backend, tools, deadline, context.request_id, context.traceparent,
      parts.metrics};
  if (request.stream) co_return co_await answerStream(context, input, parts);
  co_return co_await answerWhole(context, input, parts);
}

}  // namespace agw::api
