// ${NAME} and ${NAME:-default} in configuration text; $${ stands for the characters ${.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"
#include "config/yaml_document.h"

namespace agw::config {

struct Expansion {
  std::string text;
  bool changed = false;             // something came from the environment or a default
  bool from_variable = false;       // a variable's own value was filled in
  std::vector<std::string> faults;  // messages; they name variables, never values
};

// A variable that is set but empty is an empty text, or the default where there is one. Defaults
// are taken as they stand and end at the first '}'.
Expansion expandText(std::string_view text, const Environment& environment);

// Expands every scalar value (not the keys) of a tree.
void expandTree(Node& root, const Environment& environment, Problems& problems);

}  // namespace agw::config
