#include "template.h"

#include <chrono>

namespace scripted_llm {
namespace {

constexpr std::string_view kCapture = "capture:";
constexpr std::string_view kDefaultMark = "||";

std::int64_t unixNanoseconds() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string firstGroup(const boost::regex& pattern, const std::string& text,
                       const std::string& otherwise) {
  const std::string subject = text.substr(0, kMaxRegexSubject);
  boost::smatch match;
  if (!boost::regex_search(subject, match, pattern)) return otherwise;
  return match.size() > 1 && match[1].matched ? match[1].str() : match[0].str();
}

}  // namespace

Template::Part Template::parsePlaceholder(std::string_view name) {
  if (name == "last_user") return Part(Kind::LastUser);
  if (name == "tool_result") return Part(Kind::ToolResult);
  if (name == "tool_results") return Part(Kind::ToolResults);
  if (name == "system") return Part(Kind::System);
  if (name == "model") return Part(Kind::Model);
  if (name == "n") return Part(Kind::Number);
  if (name == "written_ns") return Part(Kind::WrittenNs);
  if (!name.starts_with(kCapture)) {
    throw ScriptError("unknown placeholder {{" + std::string(name) + "}}");
  }
  name.remove_prefix(kCapture.size());
  std::string otherwise;
  if (const auto mark = name.rfind(kDefaultMark); mark != std::string_view::npos) {
    otherwise = name.substr(mark + kDefaultMark.size());
    name = name.substr(0, mark);
  }
  try {
    return Part(Kind::Capture, std::move(otherwise), std::string(name));
  } catch (const boost::regex_error& error) {
    throw ScriptError("bad regular expression \"" + std::string(name) + "\": " + error.what());
  }
}

Template Template::parse(std::string_view text) {
  Template result;
  while (!text.empty()) {
    const auto open = text.find("{{");
    if (open != 0) {
      result.parts_.push_back(Part(Kind::Literal, std::string(text.substr(0, open))));
    }
    if (open == std::string_view::npos) break;
    const auto close = text.find("}}", open);
    if (close == std::string_view::npos) throw ScriptError("{{ without }}");
    result.parts_.push_back(parsePlaceholder(text.substr(open + 2, close - open - 2)));
    text.remove_prefix(close + 2);
  }
  return result;
}

std::string Template::render(const TemplateValues& values) const {
  std::string out;
  for (const Part& part : parts_) {
    switch (part.kind) {
      case Kind::Literal:
        out += part.text;
        break;
      case Kind::LastUser:
        out += values.last_user;
        break;
      case Kind::ToolResult:
        out += values.tool_result;
        break;
      case Kind::ToolResults:
        out += values.tool_results;
        break;
      case Kind::System:
        out += values.system;
        break;
      case Kind::Model:
        out += values.model;
        break;
      case Kind::Number:
        out += std::to_string(values.n);
        break;
      case Kind::WrittenNs:
        out += std::to_string(unixNanoseconds());
        break;
      case Kind::Capture:
        out += firstGroup(part.pattern, values.last_user, part.text);
        break;
    }
  }
  return out;
}

bool Template::differsByEvent() const {
  for (const Part& part : parts_) {
    if (part.kind == Kind::Number || part.kind == Kind::WrittenNs) return true;
  }
  return false;
}

}  // namespace scripted_llm
