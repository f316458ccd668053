// Text with {{placeholders}}, parsed once when a script is loaded.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <boost/regex.hpp>

namespace scripted_llm {

// A script that cannot be used; the message starts with the place in the script.
struct ScriptError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Regular expressions see this much of a user message.
inline constexpr std::size_t kMaxRegexSubject = 4096;

// What placeholders stand for in one request.
struct TemplateValues {
  std::string last_user;    // text of the last user message
  std::string tool_result;  // content of the last tool message
  std::string
      tool_results;    // contents of the tool messages after the last user message, "; " between
  std::string system;  // text of the first system or developer message
  std::string model;
  std::uint64_t n = 0;  // number of the repetition, from 1
};

class Template {
 public:
  // Throws ScriptError for an unknown placeholder or a bad regular expression.
  static Template parse(std::string_view text);

  std::string render(const TemplateValues& values) const;
  bool differsByEvent() const;  // holds {{n}} or {{written_ns}}: no two repetitions are the same

 private:
  enum class Kind {
    Literal,
    LastUser,
    ToolResult,
    ToolResults,
    System,
    Model,
    Number,
    WrittenNs,
    Capture
  };
  struct Part {
    explicit Part(Kind part_kind, std::string part_text = {}, const std::string& expression = {})
        : kind(part_kind), text(std::move(part_text)), pattern(expression) {}
    Kind kind;
    std::string text;  // Literal: the text; Capture: what stands when nothing matches
    boost::regex pattern;
  };
  static Part parsePlaceholder(std::string_view name);

  std::vector<Part> parts_;
};

}  // namespace scripted_llm
