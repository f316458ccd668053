// Key files as large installations have them: short ids, and a handful of plans that the keys
// share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

#include "shared/api_key.h"

namespace keys_bench {

// The same lines for the same seed, on every machine: only the engine's own values are used.
class KeyMaker {
 public:
  explicit KeyMaker(std::uint32_t seed) : engine_(seed) {}

  // The next key's hash: as good as that of a random secret.
  agw::KeyHash nextHash();
  // The line of that hash, with its line end.
  void appendLine(std::string& text, const agw::KeyHash& hash);

 private:
  std::mt19937_64 engine_;
  std::size_t lines_ = 0;
};

}  // namespace keys_bench
