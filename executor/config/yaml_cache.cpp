#include "config/yaml_cache.h"

#include <utility>

namespace agw::config {

std::optional<Node> YamlCache::read(std::string_view text, std::size_t file, YamlUse& use,
                                    Problems& problems) {
  const std::string& name = problems.fileName(file);
  if (const auto found = known_.find(name); found != known_.end()) {
    Known& known = found->second;
    const YamlUse together{use.nodes + known.use.nodes, use.bytes + known.use.bytes};
    if (known.file == file && known.text == text && together.isWithinBounds()) {
      known.is_read = true;
      use = together;
      return known.root;
    }
  }
  const YamlUse before = use;
  const std::size_t problems_before = problems.count();
  std::optional<Node> root = readYaml(text, file, use, problems);
  if (root && problems.count() == problems_before) {
    known_[name] = {std::string(text), file, *root,
                    YamlUse{use.nodes - before.nodes, use.bytes - before.bytes}, true};
  }
  return root;
}

void YamlCache::endLoad() {
  std::erase_if(known_, [](const auto& entry) { return !entry.second.is_read; });
  for (auto& [name, known] : known_) known.is_read = false;
}

}  // namespace agw::config
