// The content of a tool's result as text for a model.
#include <algorithm>
#include <optional>

#include "base/json_reader.h"
#include "protocol/mcp.h"

namespace agw::protocol {
namespace {

constexpr std::size_t kMaxLabel = 200;  // bytes of a name, type or URI inside a mark

// Labels come from the server: one line, short, and unable to end the mark early.
std::string label(const Json& part, const char* key) {
  const auto member = part.find(key);
  if (member == part.end() || !member->is_string()) return {};
  std::string text = member->get<std::string>();
  if (text.size() > kMaxLabel) {
    std::size_t cut = kMaxLabel;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
    text.resize(cut);
  }
  std::replace_if(
      text.begin(), text.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '[' || c == ']'; }, ' ');
  return text;
}

std::size_t decodedSize(const Json& part, const char* key) {
  const auto member = part.find(key);
  if (member == part.end() || !member->is_string()) return 0;
  const auto& text = member->get_ref<const std::string&>();
  const auto padding = static_cast<std::size_t>(
      std::find_if(text.rbegin(), text.rend(), [](char c) { return c != '='; }) - text.rbegin());
  return (text.size() - padding) * 3 / 4;
}

std::string mark(std::string_view kind, const std::string& what, std::optional<std::size_t> bytes) {
  std::string out = "[";
  out += kind;
  if (!what.empty()) out += ' ' + what;
  if (bytes) out += ", " + std::to_string(*bytes) + " bytes";
  out += ']';
  return out;
}

const std::string* textOf(const Json& object) {
  const auto text = object.find("text");
  return text != object.end() && text->is_string() ? &text->get_ref<const std::string&>() : nullptr;
}

struct Part {
  std::string text;
  bool is_text = false;
};

Part readResource(const Json& part) {
  const auto resource = part.find("resource");
  if (resource == part.end() || !resource->is_object()) return {mark("resource", {}, {}), false};
  if (const std::string* text = textOf(*resource)) return {*text, true};
  std::string what = label(*resource, "mimeType");
  if (what.empty()) what = label(*resource, "uri");
  return {mark("resource", what, decodedSize(*resource, "blob")), false};
}

Part readPart(const Json& part) {
  const std::string type = label(part, "type");
  if (type == "text") {
    const std::string* text = textOf(part);
    return {text ? *text : std::string(), true};
  }
  if (type == "image" || type == "audio") {
    return {mark(type, label(part, "mimeType"), decodedSize(part, "data")), false};
  }
  if (type == "resource_link") return {mark(type, label(part, "uri"), {}), false};
  if (type == "resource") return readResource(part);
  return {mark(type.empty() ? "content" : type, {}, {}), false};
}

}  // namespace

Result<McpCallOutcome> readMcpCallTool(std::string_view result_json) {
  const auto result = parseJson(result_json);
  if (!result || !result->is_object()) {
    return upstreamError(ErrorCode::UpstreamInvalidResponse,
                         "the answer to tools/call is no JSON object");
  }
  McpCallOutcome outcome;
  const auto is_error = result->find("isError");
  outcome.is_error = is_error != result->end() && is_error->is_boolean() && is_error->get<bool>();

  bool has_text = false;
  bool first = true;
  const auto append = [&](std::string_view text) {
    if (!first) outcome.text += '\n';
    outcome.text += text;
    first = false;
  };
  const auto content = result->find("content");
  if (content != result->end() && content->is_array()) {
    for (const Json& entry : *content) {
      if (!entry.is_object()) continue;
      const Part part = readPart(entry);
      append(part.text);
      has_text = has_text || (part.is_text && !part.text.empty());
    }
  }
  if (!has_text && result->contains("structuredContent")) {
    for (const RawMember& member : splitObject(result_json)) {
      if (member.key == "structuredContent") append(member.value);
    }
  }
  return outcome;
}

}  // namespace agw::protocol
