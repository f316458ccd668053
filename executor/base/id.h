// Random ids, from the operating system's generator.
#pragma once

#include <string>
#include <string_view>

namespace agw {

// prefix + 24 characters of [A-Za-z0-9] (142 random bits), e.g. "chatcmpl-…".
std::string randomId(std::string_view prefix);

}  // namespace agw
