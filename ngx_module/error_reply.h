// The one place that writes errors of the edge: the content handler of agent_error.
#pragma once

#include "ngx_module/ngx.h"

namespace agw {

// The location is reached through error_page, for refusals of this module and for errors of nginx
// itself, also those of requests that could not be parsed. Must not be reached by clients: it
// belongs under "internal".
ngx_int_t writeErrorReply(ngx_http_request_t* r) noexcept;

}  // namespace agw
