// The chunks that the bench reads: as servers send them, clean and not.
#pragma once

#include <string>
#include <vector>

namespace chunk_bench {

struct Input {
  std::string name;
  std::vector<std::string> chunks;  // JSON, sent again and again
};

std::vector<Input> inputs();

}  // namespace chunk_bench
