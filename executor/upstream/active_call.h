// A call that an upstream is busy with: its slot, its pass of the breaker and its place in the
// metrics. All of it is given back and written down when the call ends, at the latest in the
// destructor: then it was cancelled.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "protocol/openai_stream.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "upstream/shared_state.h"

namespace agw::upstream {

enum class AnswerKind { Whole, Stream };  // what was asked for

class ActiveCall {
 public:
  // `metrics` and `log` outlive it.
  ActiveCall(std::shared_ptr<UpstreamState> state, telemetry::MetricsShard& metrics,
             telemetry::Log& log, ConcurrencyLimit::Slot slot, CircuitBreaker::Pass pass,
             AnswerKind kind);
  ~ActiveCall();
  ActiveCall(const ActiveCall&) = delete;
  ActiveCall& operator=(const ActiveCall&) = delete;

  const std::string& upstream() const { return state_->settings().name; }

  void accepted();  // its status is 200
  void read(const protocol::ChatChunk& chunk);
  void succeeded();
  // `is_late`: the caller's own deadline had come, which says nothing about the upstream.
  void failed(const Error& error, bool is_late);

 private:
  double seconds() const;
  void end(telemetry::UpstreamOutcome outcome);
  void tellBreaker(telemetry::UpstreamOutcome outcome, bool is_late);
  void logChange(CircuitBreaker::Change change);

  const std::shared_ptr<UpstreamState> state_;
  telemetry::MetricsShard& metrics_;
  telemetry::Log& log_;
  std::optional<ConcurrencyLimit::Slot> slot_;
  std::optional<CircuitBreaker::Pass> pass_;  // until the breaker has been told
  const AnswerKind kind_;
  const Clock::time_point begin_;
  telemetry::UpstreamCall record_;
  bool has_ended_ = false;
};

telemetry::UpstreamOutcome outcomeOf(const Error& error);

}  // namespace agw::upstream
