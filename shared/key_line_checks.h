// What a line of the key file can get wrong although each of its words is right, and what lines of
// one id must share. For everything that reads key files: pure, after parseKeyLine.
#pragma once

#include <string>
#include <string_view>

#include "shared/api_key.h"

namespace agw {

// A limit that can never apply, or an allow= glob that can never match because deny= covers it.
// Says what is wrong and what to write instead; empty when nothing is. Never repeats the hash.
// Covered is what can be seen from the texts of two globs: an error is always right, but a deny=
// list that covers a glob only as a whole, or by way of '?' against '*', is not found.
std::string checkKeyLine(const KeyLine& key);

// Limits belong to the id, so all its lines must have the same: the first word whose value
// differs, e.g. "burst", or an empty view.
std::string_view differingLimit(const KeyLine& one, const KeyLine& other) noexcept;

}  // namespace agw
