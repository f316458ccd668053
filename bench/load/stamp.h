// The time stamps that a scripted upstream puts into what it writes: "@t<digits>@".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace agent_load {

// The first stamp in `payload`: nanoseconds since 1970.
std::optional<std::int64_t> findStamp(std::string_view payload);

}  // namespace agent_load
