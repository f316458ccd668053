// The rule evaluator for model ids at the edge and in the executor: explicit deny > allow > default
// deny.
#pragma once

#include <string_view>

namespace agw {

enum class Access { Allowed, DeniedByRule, DeniedByDefault };

// Both lists are comma-separated globs as they stand in the key file. A glob without '/' means
// "default/<glob>", except "*", which matches every model. An empty list matches nothing.
struct AccessRules {
  std::string_view allow;
  std::string_view deny;
};

// `canonical` is a canonical model id. No allocation.
Access evaluateAccess(const AccessRules& rules, std::string_view canonical) noexcept;

// True when `glob_list` has at least one entry and every entry is a well-formed glob (characters of
// model ids plus '*' and '?', with something before and after the first '/', if there is one).
// Used when key files and configurations are loaded.
bool isValidGlobList(std::string_view glob_list) noexcept;

}  // namespace agw
