#include "ngx_module/error_map.h"

#include "ngx_module/request_headers.h"
#include "ngx_module/str.h"

namespace agw {
namespace {

// What nginx's own statuses say. 502, 503 and 504 of an upstream are decided apart.
struct StatusText {
  ngx_int_t status;  // as nginx has it
  ngx_int_t sent;
  ErrorCode code;
  std::string_view message;
};
constexpr StatusText kStatusTexts[] = {
    {400, 400, ErrorCode::BadRequest, "The request is not valid HTTP."},
    {401, 401, ErrorCode::InvalidApiKey, "The request is not authenticated."},
    {403, 403, ErrorCode::Forbidden, "Access to this address is forbidden."},
    {404, 404, ErrorCode::NotFound, "There is nothing at this address."},
    {405, 405, ErrorCode::MethodNotAllowed, "This method is not allowed at this address."},
    {408, 408, ErrorCode::RequestTimeout, "The request did not arrive in time."},
    {411, 411, ErrorCode::BadRequest, "The request needs a Content-Length."},
    {413, 413, ErrorCode::RequestTooLarge, "The request body is too large."},
    {414, 414, ErrorCode::UriTooLong, "The request URI is too long."},
    {415, 415, ErrorCode::UnsupportedMediaType,
     "The media type of the request body is not supported."},
    {429, 429, ErrorCode::RateLimitExceeded, "Too many requests. Slow down."},
    {431, 431, ErrorCode::HeadersTooLarge, "The request headers are too large."},
    {494, 431, ErrorCode::HeadersTooLarge, "The request headers are too large."},
    {495, 400, ErrorCode::BadRequest, "The TLS client certificate is not valid."},
    {496, 400, ErrorCode::BadRequest, "A TLS client certificate is required."},
    {497, 400, ErrorCode::BadRequest,
     "A plain HTTP request was sent to an HTTPS port. Use https://."},
    {501, 501, ErrorCode::BadRequest, "The request uses a transfer coding that is not supported."},
    {503, 503, ErrorCode::Overloaded, "The gateway is busy. Try again."},
    {505, 505, ErrorCode::BadRequest, "This HTTP version is not supported."},
};

// A request that an executor may have begun must not be repeated by a client that thinks it was
// never seen.
bool isSafeToRepeat(const ngx_http_request_t* r) noexcept {
  const std::string_view method = requestMethod(r);
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

ErrorReply tableReply(ErrorCode code, std::string_view message) noexcept {
  return {errorEntry(code).status, code, message};
}

ErrorReply executorReply(const ngx_http_request_t* r, ngx_int_t status) noexcept {
  if (!wasSentToExecutor(r)) {
    return tableReply(ErrorCode::NoExecutor,
                      "No executor is available. Nothing was started; try again.");
  }
  if (!isSafeToRepeat(r)) {
    return tableReply(ErrorCode::RunLost,
                      "The executor was lost before it answered. The run may have happened in "
                      "part; it was not repeated.");
  }
  if (status == NGX_HTTP_GATEWAY_TIME_OUT) {
    return {status, ErrorCode::UpstreamTimeout, "The executor did not answer in time."};
  }
  return {status, ErrorCode::UpstreamError, "The executor gave no valid answer."};
}

ErrorReply statusReply(ngx_int_t status) noexcept {
  for (const StatusText& known : kStatusTexts) {
    if (known.status == status) {
      return {known.sent, known.code, known.message};
    }
  }
  if (status < NGX_HTTP_INTERNAL_SERVER_ERROR) {
    return {status, ErrorCode::BadRequest, "The request cannot be answered as it is."};
  }
  return {status, ErrorCode::InternalError, "Internal error of the gateway."};
}

// nginx refuses a second Authorization header itself, as malformed, while it reads the headers.
bool hasTwoAuthorizations(ngx_http_request_t* r) noexcept {
  int count = 0;
  forEachHeader(r->headers_in.headers, [&](const ngx_table_elt_t& header) {
    count += isHeaderName(view(header.key), "authorization");
  });
  return count > 1;
}

}  // namespace

// Whether an executor may have begun the request. One that can be repeated is judged by its last
// try alone: a pooled connection whose executor had gone takes the request and loses it before
// nginx finds that nobody listens.
bool wasSentToExecutor(const ngx_http_request_t* r) noexcept {
  if (r->upstream_states == nullptr) {
    return false;
  }
  const auto* states = static_cast<ngx_http_upstream_state_t*>(r->upstream_states->elts);
  const ngx_uint_t count = r->upstream_states->nelts;
  for (ngx_uint_t i = isSafeToRepeat(r) && count > 0 ? count - 1 : 0; i < count; ++i) {
    if (states[i].bytes_sent > 0) {
      return true;
    }
  }
  return false;
}

std::string_view requestMethod(const ngx_http_request_t* r) noexcept {
  const std::string_view line = view(r->request_line);
  return line.substr(0, line.find(' '));
}

ErrorReply errorReplyFor(ngx_http_request_t* r, const RequestContext* context) noexcept {
  const ngx_int_t status = static_cast<ngx_int_t>(r->err_status);
  if (status == 0) {
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "agent_error: the status is lost; write error_page without \"=\" before \"%V\"",
                  &r->uri);
    return statusReply(NGX_HTTP_INTERNAL_SERVER_ERROR);
  }
  if (context != nullptr && context->refusal &&
      status == errorEntry(context->refusal->code).status) {
    const Refusal& refusal = *context->refusal;
    return {status, refusal.code, refusal.message, refusal.param, refusal.retry_after};
  }
  if (status == NGX_HTTP_BAD_GATEWAY || status == NGX_HTTP_GATEWAY_TIME_OUT) {
    return executorReply(r, status);
  }
  if (status == NGX_HTTP_BAD_REQUEST && hasTwoAuthorizations(r)) {
    return tableReply(ErrorCode::InvalidApiKey, "Several credentials were sent. Send one API key.");
  }
  // error_page makes 400 of 497.
  const bool is_plain_on_tls = r->http_connection->ssl && r->connection->ssl == nullptr;
  return statusReply(is_plain_on_tls ? NGX_HTTP_TO_HTTPS : status);
}

}  // namespace agw
