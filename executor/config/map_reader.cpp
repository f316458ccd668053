#include "config/map_reader.h"

#include <algorithm>
#include <filesystem>

#include "config/values.h"

namespace agw::config {
namespace {

// Set by the HTTP client itself.
constexpr std::array<std::string_view, 5> kClientHeaders = {"host", "content-length", "connection",
                                                            "transfer-encoding", "upgrade"};

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::string_view kindName(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::Null:
      return "nothing";
    case Node::Kind::Scalar:
      return "a single value";
    case Node::Kind::List:
      return "a list";
    case Node::Kind::Map:
      break;
  }
  return "a map";
}

std::string wrongKind(const Node& node, std::string_view wanted) {
  if (node.kind == Node::Kind::Null) {
    return "no value; write " + std::string(wanted) + " or remove the key";
  }
  return std::string(kindName(node.kind)) + " where " + std::string(wanted) + " is expected";
}

bool holdsSecret(const Node& node) {
  if (node.secret) return true;
  return std::any_of(node.items.begin(), node.items.end(), holdsSecret) ||
         std::any_of(node.members.begin(), node.members.end(),
                     [](const Member& member) { return holdsSecret(member.value); });
}

}  // namespace

std::string shown(const Node& node) {
  if (node.expanded || node.kind != Node::Kind::Scalar) return "the value";
  return '"' + printable(node.text) + '"';
}

std::string besideFile(const std::string& config_file, const std::string& path) {
  const std::filesystem::path given(path);
  if (given.is_absolute()) return path;
  return (std::filesystem::path(config_file).parent_path() / given).lexically_normal().string();
}

MapReader::MapReader(const Node& node, std::string path, const Section& section,
                     ReadContext& context)
    : node_(node), path_(std::move(path)), context_(context) {
  if (node_.broken) return;
  if (node_.kind != Node::Kind::Map) {
    context_.problems.add(node_.place, path_, wrongKind(node_, "a map (key: value)"));
    return;
  }
  for (const Member& member : node_.members) {
    if (section.find(member.key) != nullptr) continue;
    std::string message = "unknown key";
    if (member.key == "<<") {
      message += "; merge keys are not supported, write the keys out";
    } else {
      const std::string hint = didYouMean(member.key, section.names());
      message += hint.empty() ? "; known here: " + oneOf(section.names()) : hint;
    }
    context_.problems.add(member.place, pathOf(member.key), std::move(message));
  }
}

std::string MapReader::pathOf(std::string_view key) const {
  return path_.empty() ? printable(key) : path_ + '.' + printable(key);
}

const Member* MapReader::member(std::string_view key) const { return node_.find(key); }

bool MapReader::isText(std::string_view key) const {
  const Member* const written = member(key);
  return written != nullptr && !written->value.broken && written->value.kind == Node::Kind::Scalar;
}

std::set<std::string> MapReader::hiddenKeys() const {
  std::set<std::string> keys;
  for (const Member& member : node_.members) {
    if (holdsSecret(member.value)) keys.insert(member.key);
  }
  return keys;
}

void MapReader::fault(std::string_view key, std::string message) {
  const Member* const written = member(key);
  context_.problems.add(written != nullptr ? written->value.place : node_.place, pathOf(key),
                        std::move(message));
}

const Node* MapReader::scalar(std::string_view key, std::string_view wanted) {
  const Member* const written = member(key);
  if (written == nullptr || written->value.broken) return nullptr;
  if (written->value.kind == Node::Kind::Scalar) return &written->value;
  fault(key, wrongKind(written->value, wanted));
  return nullptr;
}

void MapReader::text(std::string_view key, std::string& out) {
  const Node* const node = scalar(key, "text");
  if (node == nullptr) return;
  if (node->text.find('\0') != std::string::npos) {
    fault(key, "a NUL character; remove it");
    return;
  }
  out = node->text;
}

void MapReader::path(std::string_view key, std::string& out) {
  const Node* const node = scalar(key, "a path");
  if (node == nullptr) return;
  if (node->text.empty() || hasControl(node->text)) {
    fault(key, "not a path; write e.g. /etc/agent-gateway/file");
    return;
  }
  out = besideFile(context_.problems.fileName(node->place.file), node->text);
}

void MapReader::duration(std::string_view key, Millis& out, Millis least, Millis most) {
  const Node* const node = scalar(key, "a duration such as 30s");
  if (node == nullptr) return;
  const auto span = parseDuration(node->text);
  if (!span) {
    fault(key, shown(*node) + " is not a duration; write e.g. 500ms, 30s, 10m or 1h");
  } else if (*span < least || *span > most) {
    fault(key, shown(*node) + " is out of range; write " + formatDuration(least) + " to " +
                   formatDuration(most));
  } else {
    out = *span;
  }
}

void MapReader::integer(std::string_view key, unsigned& out, unsigned least, unsigned most) {
  const Node* const node = scalar(key, "a whole number");
  if (node == nullptr) return;
  const auto number = parseWholeNumber(node->text);
  const std::string range = "write " + std::to_string(least) + " to " + std::to_string(most);
  const bool is_digits =
      !node->text.empty() && node->text.find_first_not_of("0123456789") == std::string::npos;
  if (!is_digits) {
    fault(key, shown(*node) + " is not a whole number; " + range);
  } else if (!number || *number < least || *number > most) {
    fault(key, shown(*node) + " is out of range; " + range);
  } else {
    out = static_cast<unsigned>(*number);
  }
}

void MapReader::size(std::string_view key, std::size_t& out, std::size_t least, std::size_t most) {
  const Node* const node = scalar(key, "a size in bytes");
  if (node == nullptr) return;
  const auto bytes = parseSize(node->text);
  if (!bytes) {
    fault(key, shown(*node) + " is not a size; write bytes, or e.g. 64k or 1m");
  } else if (*bytes < least || *bytes > most) {
    fault(key, shown(*node) + " is out of range; write " + std::to_string(least) + " to " +
                   std::to_string(most) + " bytes");
  } else {
    out = *bytes;
  }
}

// URLs are never shown: their query or user info may hold a secret.
void MapReader::url(std::string_view key, Url& out) {
  const Node* const node = scalar(key, "a URL");
  if (node == nullptr) return;
  auto parsed = parseUrl(node->text);
  if (parsed) {
    out = std::move(*parsed);
  } else {
    fault(key, parsed.error().message);
  }
}

void MapReader::headers(std::string_view key, std::vector<HeaderSetting>& out) {
  const Node* const node = map(key);
  if (node == nullptr) return;
  std::set<std::string> seen;
  const std::string base = pathOf(key);
  for (const Member& member : node->members) {
    const std::string where = base + '.' + printable(member.key);
    const std::string lower = lowered(member.key);
    Problems& problems = context_.problems;
    if (!isHeaderName(member.key)) {
      problems.add(member.place, where, "not a header name; use letters, digits and '-'");
    } else if (std::find(kClientHeaders.begin(), kClientHeaders.end(), lower) !=
               kClientHeaders.end()) {
      problems.add(member.place, where, "this header is set by the gateway; remove it");
    } else if (!seen.insert(lower).second) {
      problems.add(member.place, where,
                   "the header stands twice (case does not count); remove one");
    }
    if (member.value.broken) continue;
    if (member.value.kind != Node::Kind::Scalar) {
      problems.add(member.value.place, where, wrongKind(member.value, "text"));
    } else if (!isHeaderValue(member.value.text)) {
      problems.add(member.value.place, where,
                   "a header's value must be one line without control characters");
    } else {
      out.push_back({member.key, member.value.text});
    }
  }
}

void MapReader::textMap(std::string_view key, std::vector<HeaderSetting>& out) {
  const Node* const node = map(key);
  if (node == nullptr) return;
  for (const Member& member : node->members) {
    if (member.value.broken) continue;
    if (member.value.kind == Node::Kind::Scalar) {
      out.push_back({member.key, member.value.text});
    } else {
      context_.problems.add(member.value.place, pathOf(key) + '.' + printable(member.key),
                            wrongKind(member.value, "text"));
    }
  }
}

void MapReader::textList(std::string_view key, std::vector<std::string>& out) {
  const Node* const node = list(key);
  if (node == nullptr) return;
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    const Node& item = node->items[i];
    if (item.broken) continue;
    if (item.kind == Node::Kind::Scalar) {
      out.push_back(item.text);
    } else {
      context_.problems.add(item.place, pathOf(key) + '[' + std::to_string(i) + ']',
                            wrongKind(item, "text"));
    }
  }
}

void MapReader::flag(std::string_view key, bool& out) {
  if (const auto word = choice(key, kTruth)) out = *word == kTruth[0];
}

std::optional<std::string> MapReader::choice(std::string_view key,
                                             std::span<const std::string_view> choices) {
  const Node* const node = scalar(key, oneOf(choices));
  if (node == nullptr) return std::nullopt;
  if (std::find(choices.begin(), choices.end(), node->text) != choices.end()) return node->text;
  fault(key, shown(*node) + " is not known; write " + oneOf(choices));
  return std::nullopt;
}

const Node* MapReader::collection(std::string_view key, Node::Kind kind, std::string_view wanted) {
  const Member* const written = member(key);
  if (written == nullptr || written->value.broken || written->value.kind == Node::Kind::Null) {
    return nullptr;
  }
  if (written->value.kind == kind) return &written->value;
  fault(key, wrongKind(written->value, wanted));
  return nullptr;
}

const Node* MapReader::list(std::string_view key) {
  return collection(key, Node::Kind::List, "a list (- item)");
}

const Node* MapReader::map(std::string_view key) {
  return collection(key, Node::Kind::Map, "a map (key: value)");
}

void MapReader::require(std::string_view key, std::string_view why, std::string_view example) {
  if (node_.kind != Node::Kind::Map || has(key)) return;
  std::string message = "missing";
  if (!why.empty()) message += " (" + std::string(why) + " needs it)";
  context_.problems.add(node_.place, pathOf(key), message + "; write " + std::string(example));
}

void MapReader::refuse(std::span<const std::string_view> keys, std::string_view why) {
  for (const std::string_view key : keys) {
    if (const Member* const written = member(key)) {
      context_.problems.add(written->place, pathOf(key),
                            "has no meaning with " + std::string(why) + "; remove it");
    }
  }
}

}  // namespace agw::config
