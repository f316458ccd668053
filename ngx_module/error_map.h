// From what went wrong, by nginx's account or by ours, to what the client is told.
#pragma once

#include <string_view>

#include "ngx_module/ngx.h"
#include "ngx_module/request_context.h"
#include "shared/openai_error.h"

namespace agw {

struct ErrorReply {
  ngx_int_t status;
  ErrorCode code;
  std::string_view message;
  std::string_view param = {};
  Nanoseconds retry_after = kUnknownWait;
};

// `r` was sent to the location of agent_error by error_page. `context` may be null.
ErrorReply errorReplyFor(ngx_http_request_t* r, const RequestContext* context) noexcept;

// Whether an executor may have begun the request.
bool wasSentToExecutor(const ngx_http_request_t* r) noexcept;

// error_page turns the method into GET; the request line still has it (HTTP/2 too: nginx writes
// one). Empty when the request line could not be parsed.
std::string_view requestMethod(const ngx_http_request_t* r) noexcept;

}  // namespace agw
