// What becomes of the body of a refused HTTP/2 request that is still arriving. A client that is
// answered in the middle of its upload sees a reset stream, and some then lose the answer or wait
// for leave to send more: so the body is read first, and thrown away.
#pragma once

#include "ngx_module/ngx.h"
#include "ngx_module/request_context.h"

namespace agw {

// In the access phase of the location that writes errors. NGX_DECLINED: the answer may go out now.
// NGX_DONE: the phase is suspended, and runs again when the body has ended, or after
// lingering_time. Otherwise a status to return. Bodies over 1 MiB, those of unknown length, and
// those that agent_max_uploads has no room for are not read.
ngx_int_t readRefusedBody(ngx_http_request_t* r) noexcept;

// The request is over: its timer goes.
void forgetRefusedBody(RequestContext& context) noexcept;

}  // namespace agw
