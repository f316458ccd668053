// A .env file: what is accepted is read again when it is written in quotes; a bad line is one
// problem with its number, whose text is one of a few.
#include "config/dotenv.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "require.h"

namespace {

using Variables = std::map<std::string, std::string>;

std::string quoted(const std::string& value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + '"';
}

void checkWritten(const Variables& variables) {
  std::string text;
  for (const auto& [name, value] : variables) text += name + '=' + quoted(value) + '\n';
  agw::config::Problems problems(".env");
  require(agw::config::parseDotenv(text, 0, problems) == variables, "what is written is read");
  require(problems.none(), "without a problem");
}

void checkProblems(const std::vector<agw::config::Problem>& problems, std::size_t lines) {
  std::size_t last = 0;
  for (const agw::config::Problem& problem : problems) {
    if (problem.line == 0) continue;  // the count of those that are not shown
    require(problem.line > last && problem.line <= lines, "one problem a line, in their order");
    last = problem.line;
    require(problem.path.empty() && problem.message.size() < 100, "its text is short");
    const bool is_ascii = std::all_of(problem.message.begin(), problem.message.end(),
                                      [](char c) { return c >= 0x20 && c < 0x7F; });
    require(is_ascii, "and holds nothing of the line");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto feeds = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  agw::config::Problems problems(".env");
  const Variables variables = agw::config::parseDotenv(text, 0, problems);
  require(variables.size() <= feeds + 1, "a variable is a line");
  checkWritten(variables);
  checkProblems(problems.takeProblems(), feeds + 1);
  return 0;
}
