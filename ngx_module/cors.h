// agent_cors: which web pages may call the gateway from a browser. Source: WHATWG Fetch, "CORS
// protocol". No cookies are involved, so credentials mode is never allowed.
#pragma once

#include "ngx_module/conf.h"
#include "ngx_module/ngx.h"
#include "ngx_module/request_context.h"

namespace agw {

// agent_cors origin ... | off
char* setCors(ngx_conf_t* cf, ngx_command_t* command, void* conf) noexcept;

enum class Cors : std::uint8_t { None, Preflight, Forbidden };

// In the access phase, before anything else: notes whether the page's origin may read the answer.
// Preflight: answer 204; Forbidden: a preflight of another origin, answer 403.
Cors judgeCors(ngx_http_request_t* r, RequestContext& context) noexcept;

// In the header filter. false: out of memory.
bool addCorsHeaders(ngx_http_request_t* r, RequestContext& context) noexcept;

}  // namespace agw
