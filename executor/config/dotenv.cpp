#include "config/dotenv.h"

#include <optional>
#include <utility>

#include "config/values.h"
#include "shared/utf8.h"

namespace agw::config {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view withoutBlanksBefore(std::string_view text) {
  const std::size_t start = text.find_first_not_of(kBlanks);
  return start == std::string_view::npos ? std::string_view() : text.substr(start);
}

std::string_view withoutBlanksBehind(std::string_view text) {
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);  // npos + 1 is 0
}

bool isNothingOrComment(std::string_view text) {
  const std::string_view rest = withoutBlanksBefore(text);
  return rest.empty() || rest.front() == '#';
}

// A value or why there is none.
struct Value {
  std::string text;
  const char* fault = nullptr;
};

constexpr const char* kOpenQuotes = "quotes that the line does not close; a value is one line";
constexpr const char* kTextBehind =
    "text behind the closing quotes; remove it, or write # before it";

Value singleQuoted(std::string_view text) {
  const std::size_t end = text.find('\'', 1);
  if (end == std::string_view::npos) return {{}, kOpenQuotes};
  if (!isNothingOrComment(text.substr(end + 1))) return {{}, kTextBehind};
  return {std::string(text.substr(1, end - 1))};
}

std::optional<char> unescaped(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case '\\':
    case '"':
    case '$':
      return c;
    default:
      return std::nullopt;
  }
}

Value doubleQuoted(std::string_view text) {
  Value value;
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '"') {
      if (!isNothingOrComment(text.substr(at + 1))) return {{}, kTextBehind};
      return value;
    }
    if (text[at] != '\\') {
      value.text += text[at];
      continue;
    }
    if (++at == text.size()) break;
    const auto character = unescaped(text[at]);
    if (!character)
      return {{}, "an unknown escape; use single quotes, or write \\\\ for a backslash"};
    value.text += *character;
  }
  return {{}, kOpenQuotes};
}

Value readValue(std::string_view text) {
  text = withoutBlanksBefore(text);
  if (text.starts_with('\'')) return singleQuoted(text);
  if (text.starts_with('"')) return doubleQuoted(text);
  if (text.starts_with('#')) return {};
  for (const std::string_view comment : {" #", "\t#"}) text = text.substr(0, text.find(comment));
  return {std::string(withoutBlanksBehind(text))};
}

bool isUtf8Text(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7F) return false;
    const std::size_t size = byte < 0x80 ? 1 : utf8SequenceSize(text.data() + at, text.size() - at);
    if (size == 0) return false;
    at += size;
  }
  return true;
}

class DotenvReader {
 public:
  DotenvReader(std::size_t file, Problems& problems) : file_(file), problems_(problems) {}

  void line(std::string_view text, std::size_t number) {
    const auto fault = [&](std::string message) {
      problems_.add({number, 1, file_}, "", std::move(message));
    };
    if (!isUtf8Text(text)) {
      fault("a control character, or a byte that is not UTF-8; save the file as UTF-8 text");
      return;
    }
    if (isNothingOrComment(text)) return;
    text = withoutBlanksBefore(text);
    if (text.starts_with("export ")) text = withoutBlanksBefore(text.substr(7));
    const std::size_t equals = text.find('=');
    const std::string name(withoutBlanksBehind(text.substr(0, equals)));
    if (equals == std::string_view::npos || !isVariableName(name)) {
      fault("not a variable; write NAME=value, or # before a comment");
      return;
    }
    Value value = readValue(text.substr(equals + 1));
    if (value.fault != nullptr) {
      fault(value.fault);
      return;
    }
    const auto [first, added] = lines_.try_emplace(name, number);
    if (!added) {
      fault("the variable stands twice (first on line " + std::to_string(first->second) +
            "); remove one");
      return;
    }
    variables_.emplace(name, std::move(value.text));
  }

  std::map<std::string, std::string> take() { return std::move(variables_); }

 private:
  std::size_t file_;
  Problems& problems_;
  std::map<std::string, std::size_t> lines_;
  std::map<std::string, std::string> variables_;
};

}  // namespace

std::map<std::string, std::string> parseDotenv(std::string_view text, std::size_t file,
                                               Problems& problems) {
  DotenvReader reader(file, problems);
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    reader.line(line, number);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return reader.take();
}

Environment withDotenv(Environment process, std::map<std::string, std::string> variables) {
  return [process = std::move(process),
          variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    if (auto value = process(name)) return value;
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

}  // namespace agw::config
