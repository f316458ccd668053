// What the operator gave on the command line, checked before any file is touched. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/api_key.h"

namespace agw::cli {

// A word of a new line, as the operator gave it.
struct KeyWord {
  std::string name;  // "allow"
  std::string value;
};

// What is wrong with the id, or an empty text. A secret in the place of an id is not repeated.
std::string checkKeyId(const std::string& id);

// Turns spans into times and looks for values that would not stay one word. What is wrong, or an
// empty text.
std::string settleWords(std::vector<KeyWord>& words, std::int64_t now_unix);

// "alice sha256:<hex> allow=default/*", with a newline.
std::string keyLine(const std::string& id, const KeyHash& hash, std::string_view words);
std::string joinWords(const std::vector<KeyWord>& words);

// What the edge would say to the line, or an empty text.
std::string checkLine(const std::string& line);

// Lower-case hex digits from "9F86D081" or "sha256:9f86d081…".
struct HashPrefix {
  std::string digits;
  std::string error;
};
HashPrefix parseHashPrefix(const std::string& text);

}  // namespace agw::cli
