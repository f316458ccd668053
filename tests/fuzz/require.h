// A property that must hold for every input; libFuzzer reports the abort with the input.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

inline void require(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "property violated: %s\n", what.c_str());
  std::abort();
}
