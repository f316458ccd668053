// The configuration file and all that it includes, as trees.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "config/map_reader.h"
#include "config/yaml_document.h"

namespace agw::config {

inline constexpr std::size_t kMaxIncludeDepth = 8;
inline constexpr std::size_t kMaxFiles = 256;  // the configuration file among them

// Trees with variables filled in: the configuration file's first (none when it cannot be read),
// then each included file's, depth first, in the order in which the files name them. `text` is the
// configuration file's.
std::vector<Node> readDocuments(std::string_view text, ReadContext& context);

}  // namespace agw::config
