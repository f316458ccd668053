// The ways in which this processor can read through the text of a JSON string that nobody keeps.
#pragma once

#include <span>
#include <string_view>

namespace agw {

// See skipTextBlocks() in string_blocks.h. May return `p` itself; reads nothing outside [p, end).
using SkipText = const char* (*)(const char* p, const char* end) noexcept;

struct StringWay {
  std::string_view name;
  SkipText skip;
};

// The slowest first. The first skips nothing and is there on every machine.
std::span<const StringWay> stringWays() noexcept;

// The last of them.
SkipText bestSkipText() noexcept;

}  // namespace agw
