// What a reload changed, in words for the log and for /admin/reload. Names only, no values.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace agw::config {

struct SettingsDiff {
  std::vector<std::string> added;  // "agent default/helper", "upstream lmstudio"
  std::vector<std::string> changed;
  std::vector<std::string> removed;
  // Keys whose new value counts at the next start only, e.g. "server.listen".
  std::vector<std::string> needs_restart;

  bool empty() const {
    return added.empty() && changed.empty() && removed.empty() && needs_restart.empty();
  }
};

SettingsDiff diffSettings(const Settings& before, const Settings& after);

}  // namespace agw::config
