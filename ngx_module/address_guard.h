// How often client addresses have failed to authenticate, in a fixed amount of shared memory and at
// constant cost, however many addresses there are. Two places an address, of which the better one
// counts: an address is held to less than its own failures only when both its places are shared
// with others that fail at the same time. No nginx in here.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "ngx_module/limit_store.h"
#include "shared/gcra.h"

namespace agw {

class AddressGuard {
 public:
  // Notes a failure and returns 0, or, when the address has had more of them than `limit` allows,
  // how long until it may have the next. Any process, no lock: two failures at the same instant may
  // count as one.
  Nanoseconds noteFailure(const LimitIdentity& address, const RateLimit& limit,
                          Nanoseconds now) noexcept;

 private:
  static constexpr std::size_t kPlaces = 8192;
  std::array<std::atomic<Nanoseconds>, kPlaces> arrivals_;
};

}  // namespace agw
