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
  bool expanded = false;        // text came from the environment: it may be a secret
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

// The one document in `text`; nullopt after a problem that leaves no tree (syntax, size, encoding,
// empty). Duplicate keys are reported and the first one is kept. Aliases are resolved, within
// bounds.
std::optional<Node> readYaml(std::string_view text, Problems& problems);

}  // namespace agw::config
