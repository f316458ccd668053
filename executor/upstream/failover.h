// Which of several upstreams a call goes to, and which is next when that one fails. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "base/deadline.h"

namespace agw::upstream {

struct Standing {
  unsigned priority = 0;
  unsigned weight = 1;
  bool is_full = false;  // a call would have to wait
  bool is_bad = false;   // known to be unwell, or its breaker is open
};

// The candidates' numbers in the order in which they are to be asked: the bad ones last, before
// them the full ones, each by priority, and among equals by chance, in proportion to their weights.
// `random` gives numbers within [0, 1).
std::vector<std::size_t> orderCandidates(const std::vector<Standing>& standings,
                                         const std::function<double()>& random);

// The attempts of one call.
class CallPlan {
 public:
  struct Candidate {
    std::size_t number;
    unsigned tries;  // how often it may be asked
  };
  struct Step {
    std::size_t candidate;
    Millis wait;    // before it
    bool is_retry;  // it has been asked before
    bool is_last;   // there can be no other one
  };

  // In the order of orderCandidates.
  explicit CallPlan(const std::vector<Candidate>& candidates);

  // Those that have not been asked come first, then the one that may be asked soonest. nullopt:
  // nobody may be, or not before the deadline.
  std::optional<Step> next(Clock::time_point now, Deadline deadline) const;

  void asked(std::size_t candidate);
  unsigned timesAsked(std::size_t candidate) const { return find(candidate).asked; }
  // It may be asked again from then on, nullopt: not again.
  void failed(std::size_t candidate, std::optional<Clock::time_point> not_before);

 private:
  struct State {
    Candidate candidate;
    unsigned asked = 0;
    Clock::time_point not_before{};

    bool mayBeAsked() const { return asked < candidate.tries; }
  };

  State& find(std::size_t number);
  const State& find(std::size_t number) const;

  std::vector<State> states_;  // in order
};

}  // namespace agw::upstream
