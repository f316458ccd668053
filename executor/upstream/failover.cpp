#include "upstream/failover.h"

#include <algorithm>
#include <tuple>

namespace agw::upstream {
namespace {

auto rankOf(const Standing& standing) {
  return std::make_tuple(standing.is_bad, standing.is_full, standing.priority);
}

// One of [first, last), by weight.
std::vector<std::size_t>::iterator draw(std::vector<std::size_t>::iterator first,
                                        std::vector<std::size_t>::iterator last,
                                        const std::vector<Standing>& standings, double random) {
  double total = 0;
  for (auto it = first; it != last; ++it) total += standings[*it].weight;
  double at = random * total;
  for (auto it = first; it != last; ++it) {
    at -= standings[*it].weight;
    if (at < 0) return it;
  }
  return last - 1;
}

}  // namespace

std::vector<std::size_t> orderCandidates(const std::vector<Standing>& standings,
                                         const std::function<double()>& random) {
  std::vector<std::size_t> order(standings.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&standings](std::size_t a, std::size_t b) {
    return rankOf(standings[a]) < rankOf(standings[b]);
  });
  for (auto first = order.begin(); first != order.end();) {
    const auto rank = rankOf(standings[*first]);
    const auto last = std::find_if(first, order.end(),
                                   [&](std::size_t i) { return rankOf(standings[i]) != rank; });
    for (; last - first > 1; ++first) std::iter_swap(first, draw(first, last, standings, random()));
    first = last;
  }
  return order;
}

CallPlan::CallPlan(const std::vector<Candidate>& candidates) {
  for (const Candidate& candidate : candidates) states_.push_back({candidate});
}

std::optional<CallPlan::Step> CallPlan::next(Clock::time_point now, Deadline deadline) const {
  const State* best = nullptr;
  unsigned tries_left = 0;
  const auto soonness = [](const State& state) {
    return std::make_tuple(state.asked != 0, state.not_before);
  };
  for (const State& state : states_) {
    if (!state.mayBeAsked()) continue;
    tries_left += state.candidate.tries - state.asked;
    if (best == nullptr || soonness(state) < soonness(*best)) best = &state;
  }
  if (best == nullptr || deadline.expired(std::max(now, best->not_before))) return std::nullopt;
  const Millis wait = Deadline{best->not_before}.remaining(now);
  return Step{best->candidate.number, wait, best->asked != 0, tries_left == 1};
}

void CallPlan::asked(std::size_t candidate) { ++find(candidate).asked; }

void CallPlan::failed(std::size_t candidate, std::optional<Clock::time_point> not_before) {
  State& state = find(candidate);
  if (not_before) {
    state.not_before = *not_before;
  } else {
    state.candidate.tries = state.asked;
  }
}

CallPlan::State& CallPlan::find(std::size_t number) {
  return *std::find_if(states_.begin(), states_.end(),
                       [number](const State& state) { return state.candidate.number == number; });
}

const CallPlan::State& CallPlan::find(std::size_t number) const {
  return *std::find_if(states_.begin(), states_.end(),
                       [number](const State& state) { return state.candidate.number == number; });
}

}  // namespace agw::upstream
