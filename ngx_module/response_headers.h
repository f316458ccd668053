// Headers of the response to the client.
#pragma once

#include <string_view>

#include "ngx_module/ngx.h"

namespace agw {

// `name` and `value` outlive the request's response: static, or in its pool. false: out of memory.
bool addResponseHeader(ngx_http_request_t* r, std::string_view name,
                       std::string_view value) noexcept;

}  // namespace agw
