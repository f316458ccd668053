// What the readers of all parts share.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "config/file_reader.h"
#include "config/load.h"
#include "config/problems.h"

namespace agw::config {

class YamlCache;

// Where each name was defined first, over all files.
class FirstPlaces {
 public:
  // nullopt: the first of its kind ("tool") and name, which stands at `place` from now on.
  std::optional<Place> add(std::string_view kind, std::string_view name, Place place);

 private:
  std::map<std::string, Place, std::less<>> places_;
};

// What every reader needs; all references outlive it.
struct ReadContext {
  Problems& problems;
  const Environment& environment;
  FileReader& files;
  FirstPlaces& first;
  YamlCache* trees = nullptr;  // of the last load; or none
  // False: a file could not be read, so that a name which is nowhere may stand in it.
  bool all_read = true;
};

// False after a problem at `place`: another one of this kind and name stands somewhere else.
// `shown` is what the problem calls it.
bool defineOnce(ReadContext& context, std::string_view kind, std::string_view name,
                std::string_view shown, Place place, std::string path);

}  // namespace agw::config
