// What clients are told of limits, in words and in headers.
#pragma once

#include <string_view>

#include "ngx_module/limit_store.h"
#include "ngx_module/ngx.h"

namespace agw {

// The message of a 429, in the pool; empty when out of memory. `tokens`: what was asked for.
std::string_view refusalText(ngx_pool_t* pool, const LimitClaim& claim, const LimitOutcome& outcome,
                             std::uint64_t tokens, std::string_view model) noexcept;

// "250ms", "6m0s", "1h2m3s": as OpenAI's x-ratelimit-reset-* headers have it. Writes at most 32
// bytes, and returns the end.
u_char* writeDuration(u_char* out, Nanoseconds span) noexcept;

// The wait for Retry-After and retry-after-ms, rounded up, at least 1.
std::uint64_t retrySeconds(Nanoseconds wait) noexcept;
std::uint64_t retryMilliseconds(Nanoseconds wait) noexcept;

}  // namespace agw
