#include "protocol/content_parts.h"

#include "base/json_reader.h"
#include "base/json_text.h"

namespace agw::protocol {
namespace {

std::string stringMember(const Json& object, const char* key) {
  const auto member = object.find(key);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

// Thoughts are a text themselves, or again a list of parts.
std::string thoughts(const Json& part) {
  const auto list = part.find("thinking");
  if (list == part.end() || !list->is_array()) return stringMember(part, "thinking");
  std::string text;
  for (const Json& inner : *list) {
    if (inner.is_object()) text += stringMember(inner, "text");
  }
  return text;
}

}  // namespace

ContentText textOfParts(std::string_view json) {
  ContentText out;
  std::string clean;
  appendCleanJson(clean, json);
  const Result<Json> parts = parseJson(clean);
  if (!parts || !parts->is_array()) return out;
  for (const Json& part : *parts) {
    if (part.is_string()) {
      out.content += part.get<std::string>();
    } else if (part.is_object()) {
      out.content += stringMember(part, "text");
      out.reasoning += thoughts(part);
    }
  }
  return out;
}

}  // namespace agw::protocol
