// Reading JSON that others wrote: bounded depth, no exception.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace agw {

// Members keep the order in which they were written.
using Json = nlohmann::ordered_json;

inline constexpr unsigned kMaxJsonDepth = 64;

// Refuses: a BOM, depth over kMaxJsonDepth, anything after the value, numbers that no double holds.
// When `unique_keys` is given, one of these top-level keys twice is ErrorCode::DuplicateKey with
// that param; other duplicates: the last one wins. Errors are ErrorSource::Client; the caller may
// change that.
Result<Json> parseJson(std::string_view text,
                       const std::vector<std::string_view>& unique_keys = {});

// Compact text. Invalid UTF-8 inside strings becomes U+FFFD instead of throwing.
std::string dumpJson(const Json& value);

// One member of an object with the bytes of its value as they were written.
struct RawMember {
  std::string key;          // unescaped
  std::string_view value;   // into the parsed text
  std::string_view name{};  // the key as it was written, with its quotes; from splitObject only
};

// Splits the top level of an object that parseJson has accepted, so that values can be passed on
// byte-exact.
std::vector<RawMember> splitObject(std::string_view object);
// The same for an array's elements.
std::vector<std::string_view> splitArray(std::string_view array);

// Appends `text` as a JSON string with its quotes.
void appendJsonString(std::string& out, std::string_view text);

}  // namespace agw
