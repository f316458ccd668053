// The four kinds of a run. Each prints its report and returns the program's exit status: 0, or 1
// when nothing at all succeeded.
#pragma once

#include "bench/load/network.h"

namespace agent_load {

int runRequests(Network& network);
int runStreams(Network& network);
int runHold(Network& network);
int runAbort(Network& network);

}  // namespace agent_load
