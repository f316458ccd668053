// The text of a key line: its words, and changes of it that leave every other byte alone. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace agw::cli {

// Takes the next word off the front; empty at the end of the line.
std::string_view takeWord(std::string_view& line);

// What stands after id and hash, without blanks around it and without the line's end.
std::string_view wordsAfterHash(std::string_view line);

// The line with expires= set to that time: in place of an older one, else after the last word.
std::string withExpiry(std::string_view line, std::int64_t expires_unix);

// `size` bytes at `at` become `text`: size 0 inserts lines, an empty text removes them.
struct LineEdit {
  std::size_t at = 0;
  std::size_t size = 0;
  std::string text;
};

// `edits` in order and apart. A line that an insertion would be glued to, and the last one, get the
// newline that they lack; nothing else changes.
std::string editLines(std::string_view file, const std::vector<LineEdit>& edits);

}  // namespace agw::cli
