// Clean ends for streams that break: when the executor dies or falls silent in mid-stream, or the
// longest run is over, the client gets an error event of the stream's dialect and a proper end.
// nginx itself would cut the connection. Streams without a dialect stay cut.
#pragma once

#include "ngx_module/ngx.h"
#include "ngx_module/request_context.h"

namespace agw {

// In the header filter, for an event stream of an executor whose state is in `context.sse`. false:
// out of memory.
bool guardStream(ngx_http_request_t* r, RequestContext& context) noexcept;

// The request is over: its timer goes.
void forgetStreamGuard(RequestContext& context) noexcept;

}  // namespace agw
