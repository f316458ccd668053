#include "config/yaml_to_json.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "base/json_reader.h"

namespace agw::config {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

std::size_t digitsAt(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && isDigit(text[end])) ++end;
  return end - at;
}

// [-+]? ( digits [. digits?] | . digits ) ( [eE] [-+]? digits )?  as a JSON number with the same
// digits.
std::optional<std::string> decimalNumber(std::string_view text) {
  std::string out;
  std::size_t at = 0;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    if (text[0] == '-') out += '-';
    at = 1;
  }
  const std::size_t whole = digitsAt(text, at);
  std::string_view whole_digits = text.substr(at, whole);
  while (whole_digits.size() > 1 && whole_digits.front() == '0') whole_digits.remove_prefix(1);
  out += whole == 0 ? "0" : whole_digits;
  at += whole;
  std::size_t fraction = 0;
  if (at < text.size() && text[at] == '.') {
    fraction = digitsAt(text, at + 1);
    out += '.';
    out += fraction == 0 ? "0" : text.substr(at + 1, fraction);
    at += fraction + 1;
  }
  if (whole + fraction == 0) return std::nullopt;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    std::size_t digits_at = at + 1;
    if (digits_at < text.size() && (text[digits_at] == '-' || text[digits_at] == '+')) ++digits_at;
    const std::size_t digits = digitsAt(text, digits_at);
    if (digits == 0) return std::nullopt;
    out += text.substr(at, digits_at + digits - at);
    at = digits_at + digits;
  }
  if (at != text.size()) return std::nullopt;
  return out;
}

std::optional<std::string> prefixedNumber(std::string_view text) {
  const int base = text.starts_with("0x") ? 16 : text.starts_with("0o") ? 8 : 0;
  if (base == 0 || text.size() == 2) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, failed] =
      std::from_chars(text.data() + 2, text.data() + text.size(), value, base);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return std::to_string(value);
}

bool isNotFinite(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return text == ".inf" || text == ".Inf" || text == ".INF" || text == ".nan" || text == ".NaN" ||
         text == ".NAN";
}

void appendScalar(std::string& out, const Node& node, const std::string& path, Problems& problems) {
  const std::string& text = node.text;
  // NOLINTNEXTLINE(bugprone-branch-clone): the order of the tests is what decides
  if (node.quoted) {
    appendJsonString(out, text);
  } else if (text == "true" || text == "True" || text == "TRUE") {
    out += "true";
  } else if (text == "false" || text == "False" || text == "FALSE") {
    out += "false";
  } else if (isNotFinite(text)) {
    problems.add(node.place, path, "JSON has no such number; put text in quotes");
  } else if (auto number = prefixedNumber(text)) {
    out += *number;
  } else if (auto decimal = decimalNumber(text)) {
    if (parseJson(*decimal)) {
      out += *decimal;
    } else {
      problems.add(node.place, path, "the number is too large; put text in quotes");
    }
  } else {
    appendJsonString(out, text);
  }
}

void appendNode(std::string& out, const Node& node, const std::string& path, Problems& problems) {
  if (node.broken) return;
  switch (node.kind) {
    case Node::Kind::Null:
      out += "null";
      return;
    case Node::Kind::Scalar:
      appendScalar(out, node, path, problems);
      return;
    case Node::Kind::List: {
      out += '[';
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        if (i > 0) out += ',';
        appendNode(out, node.items[i], path + '[' + std::to_string(i) + ']', problems);
      }
      out += ']';
      return;
    }
    case Node::Kind::Map: {
      out += '{';
      for (std::size_t i = 0; i < node.members.size(); ++i) {
        const Member& member = node.members[i];
        if (i > 0) out += ',';
        appendJsonString(out, member.key);
        out += ':';
        appendNode(out, member.value, path + '.' + printable(member.key), problems);
      }
      out += '}';
      return;
    }
  }
}

}  // namespace

std::string yamlToJson(const Node& node, const std::string& path, Problems& problems) {
  std::string out;
  appendNode(out, node, path, problems);
  return out;
}

}  // namespace agw::config
