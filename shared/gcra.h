// The generic cell rate algorithm, in its virtual-scheduling form, as pure arithmetic: a limit is
// a rate and a burst, its state one point in time. Source: ITU-T Recommendation I.371, Annex A.
//
// The state is the theoretical arrival time: how far it lies ahead of now is what has been used and
// not come back. The caller keeps it and gives `now`; both are nanoseconds on one clock, which must
// not jump. No clock, no lock, no allocation.
#pragma once

#include <cstdint>

namespace agw {

using Nanoseconds = std::int64_t;

// `count` per `window_seconds`, and at most `burst` at once. count 0: no limit.
struct RateLimit {
  std::uint64_t count = 0;
  std::uint32_t window_seconds = 0;
  std::uint64_t burst = 0;

  bool isSet() const noexcept { return count != 0; }
};

// No span is longer (146 years), so that times can be added without a look at overflow.
inline constexpr Nanoseconds kMaxSpan = Nanoseconds{1} << 62;

// Time in which one unit comes back. Rounded up to whole nanoseconds: rates over a million a second
// turn out lower by at most a thousandth per million, never higher.
Nanoseconds periodOf(const RateLimit& limit) noexcept;

// `units` periods, at most kMaxSpan.
Nanoseconds spanOf(Nanoseconds period, std::uint64_t units) noexcept;

struct GcraView {
  bool admits;              // `units` fit now
  std::uint64_t remaining;  // that would fit at once: after these units if they fit, else now
  Nanoseconds retry_after;  // until they would fit if nothing else came; 0 when they fit
  Nanoseconds
      reset_after;  // until all of the burst is there again, these units counted if they fit
};

// May `units` pass at `now`? `held` units are taken besides and do not come back with time
// (reservations). More units than the burst fit as soon as nothing is used.
GcraView gcraLook(const RateLimit& limit, Nanoseconds arrival, Nanoseconds now, std::uint64_t units,
                  std::uint64_t held = 0) noexcept;

// The state after `units` were used at `now`, whether or not they fitted.
Nanoseconds gcraCharge(Nanoseconds period, Nanoseconds arrival, Nanoseconds now,
                       std::uint64_t units) noexcept;

// The state when the period changes: what is used stays used, in units.
Nanoseconds gcraRescale(Nanoseconds arrival, Nanoseconds now, Nanoseconds old_period,
                        Nanoseconds new_period) noexcept;

}  // namespace agw
