// Reads the request body in the access phase, through a request-body filter that scans it as it
// arrives.
#pragma once

#include "ngx_module/ngx.h"
#include "ngx_module/request_context.h"

namespace agw {

// Puts the filter in front of nginx's own.
void installBodyFilter() noexcept;

// NGX_OK: the body is complete. NGX_DONE: the access phase is suspended and runs again, from its
// first handler, when the body is there; the caller returns it. Otherwise a status to return. Call
// it once a request.
ngx_int_t readBody(ngx_http_request_t* r, RequestContext& context) noexcept;

// The body is complete, or nobody waits for the rest of it: a suspended access phase goes on.
void finishBody(ngx_http_request_t* r) noexcept;

// The executor has begun to answer, so nginx sends it nothing more: gives back the memory of a body
// that is too large for the request's pool. A prompt may be megabytes, and its answer may stream
// for minutes. $request_body is empty from here on.
void releaseBody(ngx_http_request_t* r) noexcept;

}  // namespace agw
