// Who is limited, as the fixed-size name under which the shared memory knows it: SipHash-2-4 with
// 128 bits of result and a key that is random per zone, so that a client, which chooses the names of
// its users, cannot make two of them meet.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "ngx_module/limit_store.h"

namespace agw {

// `place`: of the limit, see LimitSpec. `key_id` is empty for a limit per agent; `name`: the user
// or the agent. false: OpenSSL failed.
bool limitIdentity(const std::array<unsigned char, 16>& hash_key, LimitPer per, std::uint64_t place,
                   std::string_view key_id, std::string_view name,
                   LimitIdentity& identity) noexcept;

}  // namespace agw
