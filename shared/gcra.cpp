#include "shared/gcra.h"

#include <algorithm>

namespace agw {
namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

Nanoseconds saturated(unsigned __int128 span) noexcept {
  constexpr auto kMax = static_cast<unsigned __int128>(kMaxSpan);
  return static_cast<Nanoseconds>(std::min(span, kMax));
}

// How much is used at `now`, as a span.
Nanoseconds usedAt(Nanoseconds arrival, Nanoseconds now) noexcept {
  return arrival > now ? std::min(arrival - now, kMaxSpan) : 0;
}

}  // namespace

Nanoseconds periodOf(const RateLimit& limit) noexcept {
  const std::uint64_t window = limit.window_seconds * kNanosecondsPerSecond;
  return static_cast<Nanoseconds>((window + limit.count - 1) / limit.count);
}

Nanoseconds spanOf(Nanoseconds period, std::uint64_t units) noexcept {
  return saturated(static_cast<unsigned __int128>(period) * units);
}

GcraView gcraLook(const RateLimit& limit, Nanoseconds arrival, Nanoseconds now, std::uint64_t units,
                  std::uint64_t held) noexcept {
  const Nanoseconds period = periodOf(limit);
  const Nanoseconds capacity = spanOf(period, limit.burst);
  const Nanoseconds used = usedAt(arrival, now);
  const Nanoseconds held_span = spanOf(period, held);
  const Nanoseconds cost = std::min(spanOf(period, units), capacity);
  // Each span is at most a quarter of what 64 bits hold, so none of these sums overflows.
  const Nanoseconds left = capacity - used - held_span;
  GcraView view{};
  view.admits = left >= cost;
  const Nanoseconds remaining = view.admits ? left - cost : left;
  view.remaining = remaining > 0 ? static_cast<std::uint64_t>(remaining / period) : 0;
  view.retry_after =
      view.admits
          ? 0
          : static_cast<Nanoseconds>(std::min<std::uint64_t>(
                static_cast<std::uint64_t>(cost) - static_cast<std::uint64_t>(left), kMaxSpan));
  const auto taken = static_cast<std::uint64_t>(used) + static_cast<std::uint64_t>(held_span) +
                     static_cast<std::uint64_t>(view.admits ? cost : 0);
  view.reset_after = static_cast<Nanoseconds>(std::min<std::uint64_t>(taken, kMaxSpan));
  return view;
}

Nanoseconds gcraCharge(Nanoseconds period, Nanoseconds arrival, Nanoseconds now,
                       std::uint64_t units) noexcept {
  const auto used = static_cast<unsigned __int128>(usedAt(arrival, now)) + spanOf(period, units);
  return now + saturated(used);
}

Nanoseconds gcraRescale(Nanoseconds arrival, Nanoseconds now, Nanoseconds old_period,
                        Nanoseconds new_period) noexcept {
  const Nanoseconds used = usedAt(arrival, now);
  if (used == 0 || old_period == 0 || old_period == new_period) {
    return arrival;
  }
  return now + saturated(static_cast<unsigned __int128>(used) * new_period / old_period);
}

}  // namespace agw
