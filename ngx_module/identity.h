// Who the executor believes: what clients must not send is taken out of the request, what the edge
// knows is put in and signed.
#pragma once

#include "ngx_module/ngx.h"
#include "ngx_module/request_context.h"

namespace agw {

// POST_READ phase, in every location: drops X-Agent-* and x-user-id, settles the request id.
ngx_int_t onRequestRead(ngx_http_request_t* r) noexcept;

// Adds identity headers (of an accepted key) and, last, the proof. The request's headers must not
// change between this and the proxy. Does nothing when the request carries them already. false: out
// of memory, or the request cannot be signed.
bool signRequest(ngx_http_request_t* r, RequestContext& context) noexcept;

// The request id, made now if there is none. Empty when out of memory.
std::string_view ensureRequestId(ngx_http_request_t* r, RequestContext& context) noexcept;

}  // namespace agw
