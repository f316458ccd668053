// Values as the admin endpoints write them.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/json_reader.h"

namespace agw::api {

// Seconds with a fraction; null for 0: never.
inline Json unixSeconds(std::int64_t unix_millis) {
  return unix_millis == 0 ? Json(nullptr) : Json(static_cast<double>(unix_millis) / 1000);
}

template <class Rep, class Period>
double secondsOf(std::chrono::duration<Rep, Period> span) {
  return std::chrono::duration<double>(span).count();
}

}  // namespace agw::api
