#include "ngx_module/error_reply.h"

#include <string_view>

#include "ngx_module/error_map.h"
#include "ngx_module/limit_text.h"
#include "ngx_module/request_context.h"
#include "ngx_module/response_headers.h"
#include "ngx_module/str.h"

namespace agw {
namespace {

constexpr std::size_t kMaxReply = 2048;
// A refused body up to this size is read to its end and the connection kept; for a larger one a new
// connection is cheaper.
constexpr off_t kMaxDrainedBody = 64 * 1024;

struct MethodName {
  std::string_view name;
  ngx_uint_t method;
};
constexpr MethodName kMethods[] = {
    {"GET", NGX_HTTP_GET},     {"HEAD", NGX_HTTP_HEAD},     {"POST", NGX_HTTP_POST},
    {"PUT", NGX_HTTP_PUT},     {"DELETE", NGX_HTTP_DELETE}, {"OPTIONS", NGX_HTTP_OPTIONS},
    {"PATCH", NGX_HTTP_PATCH}, {"TRACE", NGX_HTTP_TRACE},
};

// So that $request_method in the log says what the client sent.
void restoreMethod(ngx_http_request_t* r) noexcept {
  const std::string_view name = requestMethod(r);
  for (const MethodName& known : kMethods) {
    if (known.name == name) {
      r->method = known.method;
      r->method_name = borrowed(name);
    }
  }
}

bool isFinished(const ngx_http_request_t* r, const RequestContext& context) noexcept {
  return context.body_state == BodyState::Complete ||
         (r->request_body != nullptr && r->request_body->rest == 0) ||
         (context.content_length.value_or(0) == 0 && !r->headers_in.chunked);
}

bool isSmallBody(const ngx_http_request_t* r, const RequestContext& context) noexcept {
  return r->stream == nullptr && r->http_version >= NGX_HTTP_VERSION_11 && !r->headers_in.chunked &&
         r->headers_in.expect == nullptr && context.content_length &&
         *context.content_length <= kMaxDrainedBody;
}

// What becomes of the body and the connection. nginx has cleared keepalive for several statuses,
// because it cannot know whether the rest of the request can be found; where the request was
// parsed, we do.
void settleBody(ngx_http_request_t* r, const RequestContext* context) noexcept {
  r->expect_tested = 1;
  const auto* core =
      static_cast<ngx_http_core_loc_conf_t*>(ngx_http_get_module_loc_conf(r, ngx_http_core_module));
  const bool may_keep = context != nullptr && context->wants_keepalive &&
                        r->connection->requests < core->keepalive_requests;
  if (context != nullptr && isFinished(r, *context)) {
    r->keepalive = may_keep;
    return;
  }
  if (r->stream != nullptr || (context != nullptr && isSmallBody(r, *context))) {
    // In HTTP/2 this drops what still comes for the stream.
    const bool is_drained = ngx_http_discard_request_body(r) == NGX_OK;
    r->keepalive = is_drained && may_keep && r->request_body == nullptr;  // else half read
    return;
  }
  if (r->headers_in.content_length_n > 0 || r->headers_in.chunked) {
    // Answer at once and close; the lingering close keeps the answer from being lost in a reset.
    r->keepalive = 0;
    r->lingering_close = 1;
  }
}

// In whole seconds for everybody, and to the millisecond for those who know that header.
bool addRetryAfter(ngx_http_request_t* r, Nanoseconds wait) noexcept {
  auto* seconds = static_cast<u_char*>(ngx_pnalloc(r->pool, 2 * NGX_INT64_LEN));
  if (seconds == nullptr) {
    return false;
  }
  u_char* const end = putNumber(seconds, retrySeconds(wait));
  if (!addResponseHeader(r, "Retry-After", view(seconds, end))) {
    return false;
  }
  if (wait == kUnknownWait) {
    return true;
  }
  return addResponseHeader(r, "retry-after-ms", view(end, putNumber(end, retryMilliseconds(wait))));
}

bool addHeaders(ngx_http_request_t* r, const ErrorReply& reply) noexcept {
  switch (reply.status) {
    case NGX_HTTP_UNAUTHORIZED:
      return addResponseHeader(r, "WWW-Authenticate", "Bearer");
    case NGX_HTTP_TOO_MANY_REQUESTS:
    case NGX_HTTP_SERVICE_UNAVAILABLE:
      return addRetryAfter(r, reply.retry_after);
    default:
      // SDKs repeat some statuses by themselves; this one must not be.
      return reply.code != ErrorCode::RunLost || addResponseHeader(r, "x-should-retry", "false");
  }
}

}  // namespace

ngx_int_t writeErrorReply(ngx_http_request_t* r) noexcept {
  RequestContext* context = ensureContext(r);
  const ErrorReply reply = errorReplyFor(r, context);
  if (context != nullptr) {
    context->error_code = reply.code;
  }
  restoreMethod(r);
  settleBody(r, context);

  ngx_buf_t* body = ngx_create_temp_buf(r->pool, kMaxReply);
  if (body == nullptr || !addHeaders(r, reply)) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  body->last += writeErrorJson(reinterpret_cast<char*>(body->pos), kMaxReply, reply.code,
                               reply.message, reply.param);
  body->last_buf = 1;
  body->last_in_chain = 1;

  r->err_status = static_cast<ngx_uint_t>(reply.status);
  r->headers_out.status = r->err_status;
  r->headers_out.content_type = borrowed("application/json");
  r->headers_out.content_type_len = r->headers_out.content_type.len;
  r->headers_out.content_type_lowcase = nullptr;
  ngx_http_clear_content_length(r);
  ngx_http_clear_accept_ranges(r);
  ngx_http_clear_last_modified(r);
  ngx_http_clear_etag(r);
  r->headers_out.content_length_n = body->last - body->pos;

  const ngx_int_t rc = ngx_http_send_header(r);
  if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
    return rc;
  }
  ngx_chain_t out{body, nullptr};
  return ngx_http_output_filter(r, &out);
}

}  // namespace agw
