// Small configurations and environments for the tests of this folder.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/load.h"

namespace agw::config {

using Variables = std::map<std::string, std::string>;

inline Environment environmentOf(Variables variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

inline LoadResult parse(const std::string& yaml, Variables variables = {}) {
  return parseSettings(yaml, "f.yaml", environmentOf(std::move(variables)));
}

// One problem a line.
inline std::string lines(const std::vector<Problem>& problems) {
  std::string out;
  for (const Problem& problem : problems) out += formatProblem(problem) + '\n';
  return out;
}

// A certificate.
inline const std::string kCa = std::string(AGW_SOURCE_DIR) + "/tests/unit/config/data/ca.pem";

// An upstream and an agent that need nothing else; tests append to it.
inline const std::string kMinimal =
    "upstreams:\n"
    "  up: {base_url: \"http://127.0.0.1:1/v1\"}\n"
    "agents:\n"
    "  - {name: a, upstream: up, model: m, instructions: hi}\n";

}  // namespace agw::config
