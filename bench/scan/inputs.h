// The bodies that the scan bench makes by itself: each stresses one part of the scanner.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace scan_bench {

struct Input {
  std::string name;
  std::string body;
};

// Valid chat bodies of about `size` bytes.
std::vector<Input> madeInputs(std::size_t size);

}  // namespace scan_bench
