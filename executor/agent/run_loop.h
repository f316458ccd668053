// The agent loop: LLM -> tools -> LLM, until the model answers without asking for a tool or a limit
// is reached.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "agent/run_events.h"
#include "base/deadline.h"
#include "config/settings.h"
#include "protocol/openai_chat.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "tool/tool.h"
#include "upstream/chat_backend.h"

namespace agw::agent {

// Everything outlives the run.
struct RunInput {
  const protocol::ChatRequest& request;
  const config::AgentSettings& agent;
  upstream::ChatBackend& backend;
  const std::vector<tool::Tool*>& tools;
  Deadline deadline;  // of the whole run
  std::string request_id;
  std::string traceparent;
  telemetry::MetricsShard& metrics;
};

// Ends in one of three ways: an outcome (the hop limit is one: finish_reason "length" and a text
// that says so), an error, or cancellation of the calling coroutine, which closes the upstream and
// every running tool.
net::awaitable<Result<RunOutcome>> runAgent(const RunInput& input, RunSink& sink, RunReport& report,
                                            telemetry::Log& log);

}  // namespace agw::agent
