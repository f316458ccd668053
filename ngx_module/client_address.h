// The client's address as a name in shared memory.
#pragma once

#include "ngx_module/limit_identity.h"
#include "ngx_module/ngx.h"

namespace agw {

// As realip and the like have left it. An IPv6 network of 64 bits is one address, since a client
// can have all of it; an IPv4 address written as IPv6 is that IPv4 address.
LimitIdentity clientAddress(const ngx_http_request_t* r, const LimitSecret& secret) noexcept;

}  // namespace agw
