#include "upstream/endpoint.h"

#include <algorithm>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "upstream/active_call.h"
#include "upstream/openai_backend.h"

namespace agw::upstream {
namespace {

// What a client is told to wait when nobody can know when a slot comes free.
constexpr Millis kOverloadedWait{1000};

protocol::RequestChanges changesFor(const config::DialectSettings& dialect) {
  protocol::RequestChanges changes;
  changes.system_for_developer = !dialect.developer_role;
  changes.drop_stream_options = !dialect.stream_usage;
  changes.drop_parallel_tool_calls = !dialect.parallel_tool_calls;
  changes.max_tokens_for_completion_tokens = !dialect.max_completion_tokens;
  changes.drop_fields.assign(dialect.drop_fields.begin(), dialect.drop_fields.end());
  return changes;
}

// Tells the call what becomes of its answer.
class CountedAnswer final : public ChatAnswer {
 public:
  CountedAnswer(std::unique_ptr<ChatAnswer> answer, std::unique_ptr<ActiveCall> call,
                Deadline deadline)
      : call_(std::move(call)), answer_(std::move(answer)), deadline_(deadline) {}

  // Reads the first chunk, which next() gives then. An error of it is one that the client has seen
  // nothing of: another upstream may be asked.
  net::awaitable<Result<void>> begin() {
    first_ = co_await read();
    if (!*first_) co_return first_->error();
    co_return Result<void>();
  }

  net::awaitable<Result<std::optional<protocol::ChatChunk>>> next() override {
    return first_ ? takeFirst() : read();
  }

  std::string_view upstream() const override { return call_->upstream(); }

 private:
  using Chunk = Result<std::optional<protocol::ChatChunk>>;

  net::awaitable<Chunk> takeFirst() {
    Chunk first = std::move(*first_);
    first_.reset();
    co_return first;
  }

  net::awaitable<Chunk> read() {
    auto chunk = co_await answer_->next();
    const auto cancellation = co_await net::this_coro::cancellation_state;
    // Whatever has come of it: it was not wanted any more.
    if (cancellation.cancelled() != net::cancellation_type::none) co_return chunk;
    if (!chunk) {
      call_->failed(chunk.error(), deadline_.expired());
    } else if (*chunk) {
      call_->read(**chunk);
    } else {
      call_->succeeded();
    }
    co_return chunk;
  }

  // The connection is closed or given back before the slot is.
  std::unique_ptr<ActiveCall> call_;
  std::unique_ptr<ChatAnswer> answer_;
  const Deadline deadline_;
  std::optional<Chunk> first_;
};

}  // namespace

Endpoint::Endpoint(io::HttpClient& client, const config::UpstreamSettings& settings,
                   std::shared_ptr<UpstreamState> state, telemetry::MetricsShard& metrics,
                   telemetry::Log& log)
    : settings_(settings),
      state_(std::move(state)),
      metrics_(metrics),
      log_(log),
      backend_(makeOpenAiBackend(client, settings)),
      changes_(changesFor(settings.dialect)) {}

net::awaitable<Result<std::unique_ptr<ChatAnswer>>> Endpoint::open(ChatCall call,
                                                                   std::string_view model) {
  // Nobody need wait in the queue of one that takes nothing.
  if (state_->wouldRefuse(Clock::now())) co_return unavailable();
  const Deadline patience = earlier(call.deadline, Deadline::in(settings_.queue_timeout));
  std::optional<ConcurrencyLimit::Slot> slot = co_await state_->limit().take(patience);
  if (!slot) {
    const auto cancellation = co_await net::this_coro::cancellation_state;
    if (cancellation.cancelled() != net::cancellation_type::none) co_return overloaded();
    metrics_.addUpstreamCall(settings_.name, {telemetry::UpstreamOutcome::Overloaded});
    co_return overloaded();
  }
  const std::optional<CircuitBreaker::Pass> pass = state_->begin(Clock::now());
  if (!pass) co_return unavailable();
  auto active = std::make_unique<ActiveCall>(state_, metrics_, log_, std::move(*slot), *pass,
                                             call.stream ? AnswerKind::Stream : AnswerKind::Whole);
  slot.reset();

  protocol::RequestChanges changes = changes_;
  changes.model = model;
  if (!changes.empty()) call.body = protocol::changeRequest(call.body.view(), changes);
  const Deadline callers = call.deadline;
  if (settings_.timeout.count() > 0) {
    call.deadline = earlier(callers, Deadline::in(settings_.timeout));
  }
  auto answer = co_await backend_->open(std::move(call));
  if (!answer) {
    const auto cancellation = co_await net::this_coro::cancellation_state;
    const bool is_cancelled = cancellation.cancelled() != net::cancellation_type::none;
    if (!is_cancelled) active->failed(answer.error(), callers.expired());
    co_return answer.error();
  }
  active->accepted();
  auto counted = std::make_unique<CountedAnswer>(std::move(*answer), std::move(active), callers);
  if (const Result<void> begun = co_await counted->begin(); !begun) co_return begun.error();
  co_return counted;
}

Error Endpoint::overloaded() const {
  Error error = upstreamError(ErrorCode::UpstreamOverloaded,
                              "The upstream has as many requests as it may have.",
                              "no slot of " + std::to_string(settings_.max_concurrent));
  error.retry_after = kOverloadedWait;
  return error;
}

Error Endpoint::unavailable() const {
  metrics_.addUpstreamCall(settings_.name, {telemetry::UpstreamOutcome::CircuitOpen});
  Error error = upstreamError(ErrorCode::UpstreamUnavailable,
                              "The upstream failed too often lately and is not asked for a while.",
                              "the circuit breaker is open");
  error.retry_after = std::max(state_->openFor(Clock::now()), Millis(1));
  return error;
}

}  // namespace agw::upstream
