// nlohmann-json as the judge of what the body scanner accepts.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "shared/scan_support.h"

namespace agw {

// Why the parser behind the edge would see another request than the scanner did; empty when it
// would not. `outcome` is that of an accepted body.
inline std::string disagreement(const ScanOutcome& outcome, std::string_view body) {
  using Json = nlohmann::ordered_json;
  Json parsed;
  try {
    parsed = Json::parse(body);
  } catch (const Json::out_of_range& error) {
    // Valid JSON with a number that no double holds: the parser refuses it, so nothing slips
    // through.
    constexpr int kNumberOverflow = 406;
    return error.id == kNumberOverflow ? "" : error.what();
  } catch (const Json::parse_error& error) {
    return error.what();
  }
  if (!parsed.is_object()) return "not an object";
  if (!parsed.contains("model") || !parsed["model"].is_string()) return "no model";
  if (parsed["model"].get<std::string>() != outcome.model) return "another model";

  const Json stream = parsed.value("stream", Json());
  if (!stream.is_null() && !stream.is_boolean()) return "stream is no boolean";
  if ((stream.is_boolean() && stream.get<bool>()) != outcome.stream) return "another stream";

  bool has_limit = false;
  double limit = 0;  // compared as a double: the parser turns integers over 64 bits into one
  for (const char* name : {"max_tokens", "max_completion_tokens", "max_output_tokens"}) {
    const Json value = parsed.value(name, Json());
    if (value.is_null()) continue;
    if (!value.is_number() || value.get<double>() < 0) return std::string(name) + " is no count";
    has_limit = true;
    limit = std::max(limit, std::min(value.get<double>(), 18446744073709551615.0));
  }
  if (has_limit != outcome.has_max_tokens) return "another presence of a token limit";
  if (static_cast<double>(outcome.max_tokens) != limit) return "another token limit";

  const Json user_value = parsed.value("user", Json());
  if (!user_value.is_null() && !user_value.is_string()) return "user is no string";
  const std::string user = user_value.is_string() ? user_value.get<std::string>() : "";
  const bool same =
      user.size() <= BodyScanner::kMaxUser
          ? user == outcome.user
          : user.starts_with(outcome.user) && outcome.user.size() + 4 > BodyScanner::kMaxUser;
  return same ? "" : "another user";
}

}  // namespace agw
