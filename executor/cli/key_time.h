// Times as the commands take and write them. Pure: the caller says what time it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace agw::cli {

// "30d", "12h": a whole number with its unit s, m, h or d, as seconds; up to ten years of 365 days.
std::optional<std::int64_t> parseSpan(std::string_view text);

// "2027-06-30T00:00:00Z", or a span from `now` on. nullopt: neither.
std::optional<std::int64_t> parseExpiry(std::string_view text, std::int64_t now_unix);

// RFC 3339 in UTC without a fraction, as key files have it. `unix_time`: from 1970 to 9999.
std::string formatUtcTime(std::int64_t unix_time);

enum class KeyState { Valid, Expiring, Expired };

// Expiring: within kExpiryNotice. `expires_unix` 0: never. The edge refuses a key from the second
// on that its expires= names.
inline constexpr std::int64_t kExpiryNotice = 7 * 86'400;  // seconds
KeyState keyState(std::int64_t expires_unix, std::int64_t now_unix);
std::string_view stateName(KeyState state);

}  // namespace agw::cli
