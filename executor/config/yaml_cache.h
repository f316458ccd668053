// Trees of files as they were when a configuration was last loaded. Most of a load is the YAML
// library's: a file whose text is as before is not parsed again.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "config/yaml_document.h"

namespace agw::config {

// For the loads of one configuration, one at a time. Holds what the files hold, their secrets
// included, but nothing that came from the environment.
class YamlCache {
 public:
  // As readYaml does. A text with a problem is read anew each time: its problems are wanted.
  std::optional<Node> read(std::string_view text, std::size_t file, YamlUse& use,
                           Problems& problems);
  // A load has ended: files that it did not read are forgotten.
  void endLoad();

 private:
  struct Known {
    std::string text;
    std::size_t file = 0;  // in the places of the tree
    Node root;
    YamlUse use;  // of this file alone
    bool is_read = false;
  };

  std::map<std::string, Known, std::less<>> known_;  // by name
};

}  // namespace agw::config
