// Globs of key files, policies and tool lists: '*' matches any run of characters ('/' included),
// '?' exactly one byte, everything else itself. Case-sensitive. Linear in pattern x text, no
// recursion.
#pragma once

#include <string_view>

namespace agw {

bool globMatches(std::string_view pattern, std::string_view text) noexcept;

}  // namespace agw
