// The settings as a configuration file that says everything.
#pragma once

#include <string>

#include "config/settings.h"

namespace agw::config {

// YAML with every default filled in and all includes in one. In place of a secret stands "***":
// keys of upstreams, values of headers and of servers' environments, queries of URLs, and whatever
// came from a variable or a file of secrets. Without secrets, reading it gives the same settings
// again.
std::string printSettings(const Settings& settings);

}  // namespace agw::config
