// Typed access to one map of the file. Every fault becomes a problem with the key's place and path.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/read_context.h"
#include "config/schema.h"
#include "config/settings.h"
#include "config/yaml_document.h"

namespace agw::config {

class MapReader {
 public:
  // Reports a node that is no map, and keys that the section does not have.
  MapReader(const Node& node, std::string path, const Section& section, ReadContext& context);

  const std::string& path() const { return path_; }
  Place place() const { return node_.place; }
  std::string pathOf(std::string_view key) const;

  // nullptr: not written.
  const Member* member(std::string_view key) const;
  bool has(std::string_view key) const { return member(key) != nullptr; }
  // Written as a single value that has no problem yet.
  bool isText(std::string_view key) const;
  // The keys whose value, or a part of it, came from a variable.
  std::set<std::string> hiddenKeys() const;

  // A problem at the key, or at the map when the key is not written.
  void fault(std::string_view key, std::string message);

  // Each leaves `out` alone when the key is not written or has a fault.
  void text(std::string_view key, std::string& out);
  void path(std::string_view key, std::string& out);  // relative ones start at their file's folder
  void duration(std::string_view key, Millis& out, Millis least, Millis most);
  void integer(std::string_view key, unsigned& out, unsigned least, unsigned most);
  void size(std::string_view key, std::size_t& out, std::size_t least, std::size_t most);
  void url(std::string_view key, Url& out);
  void headers(std::string_view key, std::vector<HeaderSetting>& out);
  void textList(std::string_view key, std::vector<std::string>& out);
  void textMap(std::string_view key, std::vector<HeaderSetting>& out);  // any names
  void flag(std::string_view key, bool& out);
  std::optional<std::string> choice(std::string_view key,
                                    std::span<const std::string_view> choices);

  // The key's value as a list or map; nullptr when not written, empty or of another kind (a
  // problem).
  const Node* list(std::string_view key);
  const Node* map(std::string_view key);

  // A problem when the key is not written. `why` may be empty ("kind declarative").
  void require(std::string_view key, std::string_view why, std::string_view example);
  // A problem for each of `keys` that is written: it means nothing with `why` ("provider mcp").
  void refuse(std::span<const std::string_view> keys, std::string_view why);

  ReadContext& context() { return context_; }

 private:
  // A scalar that can be used; reports others.
  const Node* scalar(std::string_view key, std::string_view wanted);
  const Node* collection(std::string_view key, Node::Kind kind, std::string_view wanted);

  const Node& node_;
  std::string path_;
  ReadContext& context_;
};

// The value as a message may show it: in quotes, or "the value" where it might be a secret.
std::string shown(const Node& node);

// A file named in the configuration, seen from the configuration's folder.
std::string besideFile(const std::string& config_file, const std::string& path);

}  // namespace agw::config
