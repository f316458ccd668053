// A YAML value as JSON text, for JSON Schemas written in YAML.
#pragma once

#include <string>

#include "config/yaml_document.h"

namespace agw::config {

// Plain scalars follow the YAML 1.2 core schema (true, 3, 0x1f, 1.50, null; yes and no are text);
// numbers keep their digits, quoted scalars are text. Problems are reported below `path`; the text
// is then incomplete.
std::string yamlToJson(const Node& node, const std::string& path, Problems& problems);

}  // namespace agw::config
