// What the shield makes of a quirk file, as JSON of the file's own form.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "quirk_file.h"

namespace agw::test {

struct Replayed {
  Json outcome;                     // what stands under "expect"
  std::vector<std::string> chunks;  // each chunk's bytes
  std::vector<std::string> faults;  // rules that the chunks broke
};

// `cut` says how many bytes the next piece has, at least 1.
Replayed replay(const QuirkFile& file, const std::function<std::size_t()>& cut);

}  // namespace agw::test
