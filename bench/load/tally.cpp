#include "bench/load/tally.h"

#include <numeric>

namespace agent_load {

const char* nameOf(ErrorKind kind) {
  constexpr std::array<const char*, kErrorKinds> kNames = {"connect",    "tls",      "timeout",
                                                           "closed",     "protocol", "status",
                                                           "incomplete", "too_late", "deadline"};
  return kNames[static_cast<std::size_t>(kind)];
}

void Tally::fail(ErrorKind kind, const std::string& message, std::uint64_t times) {
  if (times == 0) return;
  const auto index = static_cast<std::size_t>(kind);
  if (counts_[index] == 0) examples_[index] = message;
  counts_[index] += times;
}

std::uint64_t Tally::errors() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

}  // namespace agent_load
