#include "upstream/active_call.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace agw::upstream {

using telemetry::UpstreamOutcome;

telemetry::UpstreamOutcome outcomeOf(const Error& error) {
  switch (error.code) {
    case ErrorCode::UpstreamAuth:
      return UpstreamOutcome::Auth;
    case ErrorCode::UpstreamRejected:
      return UpstreamOutcome::Refused;
    case ErrorCode::UpstreamRateLimited:
      return UpstreamOutcome::RateLimited;
    case ErrorCode::UpstreamUnreachable:
      return UpstreamOutcome::Unreachable;
    case ErrorCode::UpstreamTimeout:
      return UpstreamOutcome::Timeout;
    case ErrorCode::UpstreamStreamTruncated:
      return UpstreamOutcome::Truncated;
    case ErrorCode::UpstreamInvalidResponse:
      return UpstreamOutcome::Invalid;
    case ErrorCode::UpstreamOverloaded:
      return UpstreamOutcome::Overloaded;
    case ErrorCode::UpstreamUnavailable:
      return UpstreamOutcome::CircuitOpen;
    default:
      return UpstreamOutcome::Failed;
  }
}

namespace {

bool hasToken(const protocol::ChoiceDelta& choice) {
  return !choice.content.empty() || !choice.extras.empty() || !choice.tool_calls.empty();
}

}  // namespace

ActiveCall::ActiveCall(std::shared_ptr<UpstreamState> state, telemetry::MetricsShard& metrics,
                       telemetry::Log& log, ConcurrencyLimit::Slot slot, CircuitBreaker::Pass pass,
                       AnswerKind kind)
    : state_(std::move(state)),
      metrics_(metrics),
      log_(log),
      slot_(std::move(slot)),
      pass_(pass),
      kind_(kind),
      begin_(Clock::now()) {}

ActiveCall::~ActiveCall() {
  if (!has_ended_) end(UpstreamOutcome::Cancelled);
  if (pass_) state_->dropped(*pass_);
}

double ActiveCall::seconds() const {
  return std::chrono::duration<double>(Clock::now() - begin_).count();
}

void ActiveCall::accepted() {
  record_.header_seconds = seconds();
  // All others wait for the probe: they need not wait for the end of its answer as well.
  if (pass_ && pass_->is_probe) tellBreaker(UpstreamOutcome::Ok, false);
}

void ActiveCall::read(const protocol::ChatChunk& chunk) {
  const bool is_awaited = kind_ == AnswerKind::Stream && !record_.first_token_seconds;
  if (is_awaited && std::any_of(chunk.choices.begin(), chunk.choices.end(), hasToken)) {
    record_.first_token_seconds = seconds();
  }
  if (chunk.usage) {
    record_.prompt_tokens = chunk.usage->prompt_tokens;
    record_.completion_tokens = chunk.usage->completion_tokens;
  }
}

void ActiveCall::succeeded() {
  tellBreaker(UpstreamOutcome::Ok, false);
  end(UpstreamOutcome::Ok);
}

void ActiveCall::failed(const Error& error, bool is_late) {
  const UpstreamOutcome outcome = outcomeOf(error);
  tellBreaker(outcome, is_late);
  end(outcome);
}

void ActiveCall::end(UpstreamOutcome outcome) {
  if (std::exchange(has_ended_, true)) return;
  record_.outcome = outcome;
  record_.seconds = seconds();
  metrics_.addUpstreamCall(state_->settings().name, record_);
  slot_.reset();
}

void ActiveCall::tellBreaker(UpstreamOutcome outcome, bool is_late) {
  if (!pass_) return;
  const CircuitBreaker::Pass pass = *std::exchange(pass_, std::nullopt);
  switch (outcome) {
    case UpstreamOutcome::Timeout:
    case UpstreamOutcome::Unreachable:
    case UpstreamOutcome::Failed:
    case UpstreamOutcome::Truncated:
    case UpstreamOutcome::Invalid:
      if (is_late) return state_->dropped(pass);
      return logChange(state_->failed(pass, Clock::now()));
    default:  // it does answer
      return logChange(state_->succeeded(pass, Clock::now()));
  }
}

void ActiveCall::logChange(CircuitBreaker::Change change) {
  const std::string& name = state_->settings().name;
  if (change == CircuitBreaker::Change::Opened) {
    const Millis span = state_->openFor(Clock::now());
    log_.write(telemetry::Level::Warn, "upstream_circuit_open",
               {{"upstream", name}, {"for_ms", span.count()}});
  } else if (change == CircuitBreaker::Change::Closed) {
    log_.write(telemetry::Level::Info, "upstream_circuit_closed", {{"upstream", name}});
  }
}

}  // namespace agw::upstream
