// Counts, durations and rates as key files and directives write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace agw {

// A count per window; count 0 = not set.
struct Rate {
  std::uint64_t count = 0;
  std::uint32_t window_seconds = 0;
};

inline constexpr std::uint64_t kMaxCount = 1'000'000'000'000;
inline constexpr std::uint64_t kMaxRatePerSecond = 1'000'000'000;

// "250", "100k" (thousands), "5m" (millions), either case. nullopt: anything else, 0, or over
// kMaxCount.
std::optional<std::uint64_t> parseCount(std::string_view text) noexcept;

// "<count>/<window>" with the window s, m, h or d: "60/m", "100k/h". nullopt also when the rate is
// over kMaxRatePerSecond.
std::optional<Rate> parseRate(std::string_view text) noexcept;

inline constexpr std::uint32_t kMaxDurationSeconds = 30 * 86'400;

// A whole number with its unit s, m, h or d, in seconds: "600s", "10m". nullopt: anything else, 0,
// or over `most` seconds.
std::optional<std::uint32_t> parseDuration(std::string_view text,
                                           std::uint32_t most = kMaxDurationSeconds) noexcept;

// "2027-06-30T00:00:00Z" (RFC 3339 in UTC, no fraction) from 1970 to 9999, as Unix seconds.
std::optional<std::int64_t> parseUtcTime(std::string_view text) noexcept;

}  // namespace agw
