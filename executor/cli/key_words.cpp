#include "cli/key_words.h"

#include <algorithm>

#include "cli/key_time.h"

namespace agw::cli {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kExpires = "expires=";

std::string_view withoutEnd(std::string_view line) {
  const std::size_t last = line.find_last_not_of(kBlanks);
  return line.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

void endLine(std::string& text) {
  if (!text.empty() && text.back() != '\n') text += '\n';
}

}  // namespace

std::string_view takeWord(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
  line.remove_prefix(word.size());
  return word;
}

std::string_view wordsAfterHash(std::string_view line) {
  takeWord(line);
  takeWord(line);
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  return withoutEnd(line);
}

std::string withExpiry(std::string_view line, std::int64_t expires_unix) {
  const std::string expires = std::string(kExpires) + formatUtcTime(expires_unix);
  std::string out(line);
  std::string_view rest = wordsAfterHash(line);
  for (std::string_view word = takeWord(rest); !word.empty(); word = takeWord(rest)) {
    if (!word.starts_with(kExpires)) continue;
    const auto at = static_cast<std::size_t>(word.data() - line.data());
    return out.replace(at, word.size(), expires);
  }
  return out.insert(withoutEnd(line).size(), ' ' + expires);
}

std::string editLines(std::string_view file, const std::vector<LineEdit>& edits) {
  std::string out;
  std::size_t added = 2;
  for (const LineEdit& edit : edits) added += edit.text.size() + 1;
  out.reserve(file.size() + added);
  std::size_t done = 0;
  for (const LineEdit& edit : edits) {
    out += file.substr(done, edit.at - done);
    if (!edit.text.empty()) endLine(out);
    out += edit.text;
    done = edit.at + edit.size;
  }
  out += file.substr(done);
  endLine(out);
  return out;
}

}  // namespace agw::cli
