// The JSON that a run prints.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "bench/load/samples.h"
#include "bench/load/tally.h"

namespace agent_load {

using Json = nlohmann::ordered_json;

// {"count", "mean", "p50", "p90", "p95", "p99", "max"}, microseconds; "not_kept" where the bound
// was reached.
Json toJson(const Samples& samples);
Json statusesOf(const Tally& tally);
Json errorsOf(const Tally& tally);
double roundedTo(double number, int decimals);

// One line on stdout, at once. Throws std::runtime_error when it cannot be written.
void print(const Json& report);
// An example of each kind of error, on stderr.
void explainErrors(const Tally& tally);

}  // namespace agent_load
