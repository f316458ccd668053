#include "config/read_context.h"

#include <utility>

namespace agw::config {

std::optional<Place> FirstPlaces::add(std::string_view kind, std::string_view name, Place place) {
  std::string key(kind);
  key += ' ';
  key += name;
  const auto [first, added] = places_.try_emplace(std::move(key), place);
  if (added) return std::nullopt;
  return first->second;
}

bool defineOnce(ReadContext& context, std::string_view kind, std::string_view name,
                std::string_view shown, Place place, std::string path) {
  const auto first = context.first.add(kind, name, place);
  if (!first) return true;
  context.problems.add(place, std::move(path),
                       "the " + std::string(kind) + ' ' + std::string(shown) +
                           " stands twice (first " + context.problems.lineFrom(place, *first) +
                           "); names must differ");
  return false;
}

}  // namespace agw::config
