// Who is limited, as the fixed-size name under which the shared memory knows it: XXH3 with 128 bits
// of result and a secret that is random per zone. Clients choose the names of their users, but
// never see a hash or the secret, so they cannot make two names meet.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "ngx_module/limit_store.h"

namespace agw {

using LimitSecret = std::array<unsigned char, 192>;

// `place`: of the limit, see LimitSpec. `key_id` is empty for a limit per agent; `name`: the user
// or the agent. Both are cut at 512 bytes, which none reaches.
LimitIdentity limitIdentity(const LimitSecret& secret, LimitPer per, std::uint64_t place,
                            std::string_view key_id, std::string_view name) noexcept;

}  // namespace agw
