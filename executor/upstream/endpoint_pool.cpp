#include "upstream/endpoint_pool.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "upstream/active_call.h"

namespace agw::upstream {
namespace {

// False: the caller was cancelled.
net::awaitable<bool> sleepFor(Millis span) {
  net::steady_timer timer(co_await net::this_coro::executor, span);
  const auto [cancelled] = co_await timer.async_wait(net::as_tuple(net::use_awaitable));
  co_return !cancelled;
}

bool wasAsked(const Error& error) {
  return error.code != ErrorCode::UpstreamOverloaded &&
         error.code != ErrorCode::UpstreamUnavailable;
}

Error outOfTime() {
  return upstreamError(ErrorCode::UpstreamTimeout, "There was no time left to ask the upstream.");
}

}  // namespace

EndpointPool::EndpointPool(std::vector<Member> members, telemetry::MetricsShard& metrics,
                           telemetry::Log& log)
    : members_(std::move(members)), metrics_(metrics), log_(log), random_(std::random_device{}()) {}

CallPlan EndpointPool::makePlan() {
  std::vector<Standing> standings;
  const Clock::time_point now = Clock::now();
  for (const Member& member : members_) {
    const config::UpstreamSettings& settings = member.endpoint->settings();
    const UpstreamState& state = member.endpoint->state();
    standings.push_back({settings.priority, settings.weight, state.limit().isFull(),
                         state.isUnwell() || state.wouldRefuse(now)});
  }
  std::vector<CallPlan::Candidate> candidates;
  for (const std::size_t number : orderCandidates(standings, [this] { return random(); })) {
    candidates.push_back({number, 1 + members_[number].endpoint->settings().retry.retries});
  }
  return CallPlan(candidates);
}

net::awaitable<Result<std::unique_ptr<ChatAnswer>>> EndpointPool::open(ChatCall call) {
  const Deadline deadline = call.deadline;
  const std::string request_id = call.request_id;
  CallPlan plan = makePlan();
  std::optional<Error> last;  // what tells most: of one that was asked, if there was one
  std::optional<CallPlan::Step> step = plan.next(Clock::now(), deadline);
  while (step) {
    if (step->wait.count() > 0) {
      const bool has_slept = co_await sleepFor(step->wait);
      if (!has_slept) co_return *last;
    }
    const Member& member = members_[step->candidate];
    plan.asked(step->candidate);
    ChatCall attempt;
    if (step->is_last) {
      attempt = std::move(call);
    } else {
      attempt = call;
    }
    auto answer = co_await member.endpoint->open(std::move(attempt), member.model);
    const auto cancellation = co_await net::this_coro::cancellation_state;
    if (answer || cancellation.cancelled() != net::cancellation_type::none) co_return answer;
    const Error& error = answer.error();
    if (!last || wasAsked(error) || !wasAsked(*last)) last = error;
    if (step->is_last || mayBeMadeAgain(error) == Again::Never) co_return *last;
    plan.failed(step->candidate, nextTime(plan, step->candidate, error));
    const std::size_t failed = step->candidate;
    step = plan.next(Clock::now(), deadline);
    if (step) tell(request_id, failed, error, *step, plan);
  }
  if (!last) co_return outOfTime();
  co_return *last;
}

std::optional<Clock::time_point> EndpointPool::nextTime(const CallPlan& plan, std::size_t member,
                                                        const Error& error) {
  if (mayBeMadeAgain(error) != Again::Anywhere) return std::nullopt;
  const config::RetrySettings& settings = members_[member].endpoint->settings().retry;
  const auto wait = waitBefore(plan.timesAsked(member), settings, error.retry_after, random());
  if (!wait) return std::nullopt;
  return Clock::now() + *wait;
}

void EndpointPool::tell(const std::string& request_id, std::size_t failed, const Error& error,
                        const CallPlan::Step& next, const CallPlan& plan) {
  const std::string& from = members_[failed].endpoint->settings().name;
  const std::string& to = members_[next.candidate].endpoint->settings().name;
  const std::string_view cause = telemetry::upstreamOutcomeName(outcomeOf(error));
  if (next.is_retry) metrics_.addUpstreamRetry(to);
  if (next.candidate == failed) {
    log_.write(telemetry::Level::Info, "upstream_retry",
               {{"request_id", request_id},
                {"upstream", to},
                {"cause", cause},
                {"attempt", plan.timesAsked(next.candidate) + 1},
                {"wait_ms", next.wait.count()}});
    return;
  }
  metrics_.addUpstreamFailover(from);
  log_.write(telemetry::Level::Info, "upstream_failover",
             {{"request_id", request_id},
              {"upstream", from},
              {"cause", cause},
              {"to", to},
              {"wait_ms", next.wait.count()}});
}

}  // namespace agw::upstream
