// Whether a call that failed may be made again, and when. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/deadline.h"
#include "base/error.h"
#include "config/settings.h"

namespace agw::upstream {

enum class Again {
  Never,
  Elsewhere,  // at another upstream
  Anywhere,   // at the same one, too
};

// Of an error that came before the first chunk of the answer. A model call has no effect but its
// answer, so one that may have been acted on can be made again; what was said about the request
// itself, or will be said again, is not asked for twice at the same place.
Again mayBeMadeAgain(const Error& error);

// Retry-After (seconds, with a fraction or without, or an HTTP date), and retry-after-ms, which
// wins. nullopt: neither says anything sensible. At most kMaxRetryAfter; a date that has passed is
// 0.
inline constexpr Millis kMaxRetryAfter{3600 * 1000};
std::optional<Millis> parseRetryAfter(std::string_view retry_after, std::string_view retry_after_ms,
                                      std::chrono::system_clock::time_point now);

// The wait before retry number `retry` (from 1): exponential with full jitter, `random` is within
// [0, 1). What the upstream asked for is waited at least. nullopt: longer than the settings allow.
std::optional<Millis> waitBefore(unsigned retry, const config::RetrySettings& settings,
                                 std::optional<Millis> asked, double random);

}  // namespace agw::upstream
