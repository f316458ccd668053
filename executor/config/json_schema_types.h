// JSON Schemas of single values, from their types as schema.h names them.
#pragma once

#include <string_view>

#include "base/json_reader.h"

namespace agw::config {

// `type` is one of one value, e.g. "duration 1ms..24h" or "http, stdio or sse". Where the program
// would fill in a variable, text with "${" passes. Null: it is no such type.
Json valueSchema(std::string_view type);

// Text, and what YAML takes for a number or a truth value.
Json textSchema();

// The default as a value of its type.
Json defaultValue(std::string_view type, std::string_view text);

}  // namespace agw::config
