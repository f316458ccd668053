// The whole key file as the tool sees it: every key with its place, and all that is wrong. No I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "shared/api_key.h"

namespace agw::cli {

inline constexpr std::size_t kMaxKeyFile = std::size_t{1} << 30;  // bytes
inline constexpr std::size_t kMaxKeyFileProblems = 1000;          // further ones are only counted

struct KeyEntry {
  std::uint64_t line = 0;  // from 1
  std::string_view text;   // the line with its end
  KeyLine key;             // views into text
};

struct KeyFileProblem {
  std::uint64_t line;
  std::string message;
};

struct KeyFile {
  std::vector<KeyEntry> keys;            // every line that holds a key, in order
  std::vector<KeyFileProblem> problems;  // in order; empty: the edge takes the file
  std::uint64_t problem_count = 0;
  std::size_t ids = 0;  // different ones in `keys`
};

// Line by line as the edge does it, then what only shows over several lines: a secret that stands
// twice, lines of one id with different limits. The views of the result point into `text`.
KeyFile parseKeyFile(std::string_view text);

// FILE:LINE: message, a line each.
void printProblems(std::ostream& err, const std::string& file, const KeyFile& parsed);

// The value of `name`= as it stands in the entry's line; empty when the word is not there.
std::string_view wordOf(const KeyEntry& entry, std::string_view name);

// When the key ends, as Unix seconds; the greatest number when it never does.
std::int64_t endOf(const KeyLine& key);

// All 64 hex digits, for the key file alone; and the first eight, which tell the secrets of an id
// apart everywhere else.
std::string hexOf(const KeyHash& hash);
std::string shortHash(const KeyHash& hash);

}  // namespace agw::cli
