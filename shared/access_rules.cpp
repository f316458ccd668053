#include "shared/access_rules.h"

#include <algorithm>

#include "shared/glob.h"
#include "shared/model_chars.h"
#include "shared/model_id.h"

namespace agw {
namespace {

// Takes the next entry off the front of a comma-separated list.
std::string_view takeEntry(std::string_view& list) noexcept {
  const std::size_t comma = list.find(',');
  const std::string_view entry = list.substr(0, comma);
  list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  return entry;
}

bool globCoversModel(std::string_view glob, std::string_view canonical) noexcept {
  if (glob.empty()) return false;
  if (glob == "*" || glob.find('/') != std::string_view::npos) return globMatches(glob, canonical);
  // "default/<glob>" without building it: the prefix holds no wildcard.
  const std::size_t prefix = kDefaultNamespace.size() + 1;
  return canonical.size() > prefix && canonical[prefix - 1] == '/' &&
         canonical.substr(0, prefix - 1) == kDefaultNamespace &&
         globMatches(glob, canonical.substr(prefix));
}

bool listCoversModel(std::string_view list, std::string_view canonical) noexcept {
  while (!list.empty()) {
    if (globCoversModel(takeEntry(list), canonical)) return true;
  }
  return false;
}

bool isValidGlob(std::string_view glob) noexcept {
  if (glob.empty() || glob.front() == '/') return false;
  if (glob.find('/') == glob.size() - 1) return false;
  return std::all_of(glob.begin(), glob.end(),
                     [](char c) { return isModelIdCharacter(c) || c == '*' || c == '?'; });
}

}  // namespace

Access evaluateAccess(const AccessRules& rules, std::string_view canonical) noexcept {
  if (listCoversModel(rules.deny, canonical)) return Access::DeniedByRule;
  return listCoversModel(rules.allow, canonical) ? Access::Allowed : Access::DeniedByDefault;
}

bool isValidGlobList(std::string_view glob_list) noexcept {
  if (glob_list.empty() || glob_list.back() == ',') return false;
  while (!glob_list.empty()) {
    if (!isValidGlob(takeEntry(glob_list))) return false;
  }
  return true;
}

}  // namespace agw
