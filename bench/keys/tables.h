// The key table alone: what it takes and how fast it is made and asked.
#pragma once

#include <cstddef>

namespace keys_bench {

struct TableFigures {
  std::size_t keys = 0;
  double bytes_per_key = 0;  // of one half, with the ids and rules that it really holds
  double build_ms = 0;       // from the file's text to the image in private memory
  double fill_ms = 0;        // from there to the idle half
  double hit_ns = 0;         // a lookup of a random key that is there
  double miss_ns = 0;        // and of one that is not
};

// Throws std::runtime_error when the table does not do what it should.
TableFigures measureTable(std::size_t keys);

}  // namespace keys_bench
