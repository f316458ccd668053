#include "ngx_module/address_guard.h"

#include <algorithm>

namespace agw {

Nanoseconds AddressGuard::noteFailure(const LimitIdentity& address, const RateLimit& limit,
                                      Nanoseconds now) noexcept {
  std::atomic<Nanoseconds>& one = arrivals_[address.words[0] % kPlaces];
  std::atomic<Nanoseconds>& other = arrivals_[address.words[1] % kPlaces];
  const Nanoseconds arrival =
      std::min(one.load(std::memory_order_relaxed), other.load(std::memory_order_relaxed));
  const GcraView look = gcraLook(limit, arrival, now, 1);
  if (!look.admits) {
    return std::max<Nanoseconds>(1, look.retry_after);
  }
  // A place is only ever moved on: a neighbour's failures stay.
  const Nanoseconds charged = gcraCharge(periodOf(limit), arrival, now, 1);
  for (std::atomic<Nanoseconds>* place : {&one, &other}) {
    if (place->load(std::memory_order_relaxed) < charged) {
      place->store(charged, std::memory_order_relaxed);
    }
  }
  return 0;
}

}  // namespace agw
