// The YAML file as a plain tree with places. What the YAML library thinks or throws stays in the
// source file.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/problems.h"

namespace agw::config {

struct Member;

struct Node {
  enum class Kind { Null, Scalar, List, Map };

  Kind kind = Kind::Null;
  Place place;
  std::string text;             // a scalar's
  bool quoted = false;          // a scalar that is text whatever it looks like
  bool expanded = false;        // text was filled in: it may be a secret
  bool secret = false;          // a variable was part of what was filled in, not defaults alone
  bool broken = false;          // a problem has been reported: readers pass over it
  std::vector<Node> items;      // a list's
  std::vector<Member> members;  // a map's, no key twice

  const Member* find(std::string_view key) const;
};

struct Member {
  std::string key;
  Place place;
  Node value;
};

inline constexpr std::size_t kMaxYamlBytes = 8 * 1024 * 1024;

// What all files of one configuration have taken together, so that the bounds hold for the whole.
struct YamlUse {
  std::size_t nodes = 0;
  std::size_t bytes = 0;  // of values, aliases filled in

  bool isWithinBounds() const;
};

// The one document in `text`, which is the file `file` of `problems`; nullopt after a problem that
// leaves no tree (syntax, size, encoding, empty). Duplicate keys are reported and the first one is
// kept. Aliases are resolved, within bounds.
std::optional<Node> readYaml(std::string_view text, std::size_t file, YamlUse& use,
                             Problems& problems);

}  // namespace agw::config
