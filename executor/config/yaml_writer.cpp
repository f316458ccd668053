#include "config/yaml_writer.h"

#include <algorithm>
#include <array>

#include "base/json_reader.h"

namespace agw::config {
namespace {

bool isLetter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

// Words that some reader of YAML takes for something else than text.
bool isReserved(std::string_view text) {
  static constexpr std::array<std::string_view, 9> kWords = {"true", "false", "null", "yes", "no",
                                                             "on",   "off",   "y",    "n"};
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::find(kWords.begin(), kWords.end(), lower) != kWords.end();
}

bool isPlain(std::string_view text) {
  static constexpr std::string_view kMarks = "_-./";
  if (text.empty() || isReserved(text)) return false;
  if (!isLetter(text.front()) && text.front() != '/') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return isLetter(c) || (c >= '0' && c <= '9') || kMarks.find(c) != std::string_view::npos;
  });
}

std::string withoutExpansion(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text.substr(at).starts_with("${")) out += '$';
    out += text[at];
  }
  return out;
}

// Behind the closing quotes of the JSON string at `at`.
std::size_t endOfString(std::string_view json, std::size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at) {
    if (json[at] == '\\') ++at;
  }
  return at + 1;
}

}  // namespace

std::string yamlKey(std::string_view text) {
  if (isPlain(text)) return std::string(text);
  std::string json;
  appendJsonString(json, text);
  // JSON lets this character stand as it is, a configuration file does not.
  std::string out;
  for (const char c : json) {
    if (c == '\x7F') {
      out += "\\u007f";
    } else {
      out += c;
    }
  }
  return out;
}

std::string yamlScalar(std::string_view text) { return yamlKey(withoutExpansion(text)); }

std::string yamlOfJson(std::string_view json) {
  std::string out;
  for (std::size_t at = 0; at < json.size();) {
    const std::size_t end = json[at] == '"' ? endOfString(json, at) : at + 1;
    const std::string_view token = json.substr(at, end - at);
    const bool is_key = end < json.size() && json[end] == ':';
    out += is_key ? std::string(token) : withoutExpansion(token);
    at = end;
  }
  return out;
}

void YamlWriter::indent() {
  if (is_first_of_item_) {
    out_.append(2 * (depth_ - 1), ' ');
    out_ += "- ";
    is_first_of_item_ = false;
  } else {
    out_.append(2 * depth_, ' ');
  }
}

void YamlWriter::line(std::string_view key, std::string_view value) {
  indent();
  out_ += yamlKey(key);
  out_ += ": ";
  out_ += value;
  out_ += '\n';
}

void YamlWriter::item(std::string_view value) {
  indent();
  out_ += "- ";
  out_ += value;
  out_ += '\n';
}

void YamlWriter::begin(std::string_view key) {
  indent();
  out_ += yamlKey(key);
  out_ += ":\n";
  ++depth_;
}

void YamlWriter::beginItem() {
  ++depth_;
  is_first_of_item_ = true;
}

void YamlWriter::end() { --depth_; }

}  // namespace agw::config
