// agent_max_uploads: how many requests may have a body that is still arriving, over all workers.
#pragma once

#include "ngx_module/ngx.h"
#include "ngx_module/request_context.h"

namespace agw {

// Before the body is read. false: so many bodies are arriving that this one may not. A body that is
// here already is not counted.
bool beginUpload(ngx_http_request_t* r, RequestContext& context) noexcept;
// The body is complete, or the request is over.
void endUpload(RequestContext& context) noexcept;

}  // namespace agw
