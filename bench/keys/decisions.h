// The limits alone: what a decision costs, for one process and for several that want the lock.
#pragma once

namespace keys_bench {

// A decision: the identities of a key, a user and an agent, the request admitted under limits of
// requests, tokens and streams of each of them, and closed again.
struct DecisionFigures {
  double alone_ns = 0;
  int processes = 0;                // at work at once in the figures below
  double contended_cpu_ns = 0;      // CPU time of a decision, waiting in circles included
  double contended_per_second = 0;  // decisions of all of them
};

// Throws std::runtime_error when a decision is not as it should be, or something stays in the
// ledger.
DecisionFigures measureDecisions();

}  // namespace keys_bench
