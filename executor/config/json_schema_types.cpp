#include "config/json_schema_types.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "config/values.h"

namespace agw::config {
namespace {

constexpr const char* kVariable = R"(\$\{)";

Json pattern(const std::string& regex) {
  return {{"type", "string"}, {"pattern", "(" + regex + ")|" + kVariable}};
}

// The two ends of "word a..b".
struct Range {
  std::string_view least;
  std::string_view most;
};

Range rangeOf(std::string_view type) {
  const std::string_view ends = type.substr(type.find(' ') + 1);
  const std::size_t dots = ends.find("..");
  return {ends.substr(0, dots), ends.substr(dots + 2)};
}

Json numberOrText(const char* number_type, double least, double most, const std::string& regex) {
  Json number = {{"type", number_type}};
  const auto bound = [](double value) {
    const auto whole = static_cast<std::int64_t>(value);
    return static_cast<double>(whole) == value ? Json(whole) : Json(value);
  };
  number["minimum"] = bound(least);
  number["maximum"] = bound(most);
  return {{"anyOf", Json::array({number, pattern(regex)})}};
}

Json integerSchema(std::string_view type) {
  const Range range = rangeOf(type);
  return numberOrText("integer", static_cast<double>(*parseWholeNumber(range.least)),
                      static_cast<double>(*parseWholeNumber(range.most)), "^[0-9]+$");
}

Json durationSchema(std::string_view type) {
  const Range range = rangeOf(type);
  const auto seconds = [](std::string_view text) {
    return static_cast<double>(parseDuration(text)->count()) / 1000.0;
  };
  return numberOrText("number", seconds(range.least), seconds(range.most),
                      R"(^[0-9]+(\.[0-9]+)?(ms|s|m|h)?$)");
}

Json sizeSchema(std::string_view type) {
  const Range range = rangeOf(type);
  return numberOrText("integer", static_cast<double>(*parseSize(range.least)),
                      static_cast<double>(*parseSize(range.most)), "^[0-9]+[km]?$");
}

Json choiceSchema(std::string_view type) {
  Json words = Json::array();
  std::string list(type);
  if (const std::size_t last = list.find(" or "); last != std::string::npos) {
    list.replace(last, 4, ", ");
  }
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t end = std::min(list.find(", ", at), list.size());
    words.push_back(list.substr(at, end - at));
    at = end + 2;
  }
  return {{"anyOf",
           Json::array({Json{{"enum", words}}, Json{{"type", "string"}, {"pattern", kVariable}}})}};
}

constexpr std::string_view kTruthType = "true or false";

Json truthSchema() {
  Json schema = choiceSchema(kTruthType);
  schema["anyOf"].insert(schema["anyOf"].begin(), Json{{"type", "boolean"}});
  return schema;
}

struct NamedType {
  std::string_view name;
  const char* regex;
};

constexpr std::array kPatterns = {
    NamedType{"URL", "^[Hh][Tt][Tt][Pp][Ss]?://."},
    NamedType{"path", "^.+$"},
    NamedType{"address", "^unix:/|:[0-9]+$"},
    NamedType{"tool name", "^[A-Za-z0-9_-]{1,64}$"},
    NamedType{"variable name", "^[A-Za-z_][A-Za-z0-9_]*$"},
    NamedType{"pkg.mod:callable", "^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$"},
};

}  // namespace

Json textSchema() { return {{"type", Json::array({"string", "number", "boolean"})}}; }

Json valueSchema(std::string_view type) {
  if (type == "integer") return {{"enum", Json::array({1, "1"})}};  // the version
  if (type.starts_with("integer ")) return integerSchema(type);
  if (type.starts_with("duration ")) return durationSchema(type);
  if (type.starts_with("size ")) return sizeSchema(type);
  if (type == "text" || type == "secret") return textSchema();
  if (type == kTruthType) return truthSchema();
  if (type == "name") {
    Json name = textSchema();
    name["pattern"] = std::string("(^[A-Za-z0-9._:@+-]{1,256}$)|") + kVariable;
    return name;
  }
  for (const NamedType& named : kPatterns) {
    if (named.name == type) return pattern(named.regex);
  }
  if (type.find(" or ") != std::string_view::npos && type.find(" of ") == std::string_view::npos) {
    return choiceSchema(type);
  }
  return nullptr;
}

Json defaultValue(std::string_view type, std::string_view text) {
  if (type.starts_with("integer")) return *parseWholeNumber(text);
  if (type == kTruthType) return text == kTruth[0];
  return std::string(text);
}

}  // namespace agw::config
