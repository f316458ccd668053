#include "ngx_module/filters.h"

#include <string_view>

#include "ngx_module/body_filter.h"
#include "ngx_module/conf.h"
#include "ngx_module/cors.h"
#include "ngx_module/identity.h"
#include "ngx_module/limits.h"
#include "ngx_module/pool.h"
#include "ngx_module/request_context.h"
#include "ngx_module/request_headers.h"
#include "ngx_module/response_headers.h"
#include "ngx_module/sse_filter.h"
#include "ngx_module/str.h"
#include "ngx_module/stream_end.h"

namespace agw {
namespace {

// Set before the workers are forked, never changed.
ngx_http_output_header_filter_pt next_header_filter = nullptr;
ngx_http_output_body_filter_pt next_body_filter = nullptr;

StreamDialect parseDialect(std::string_view value) noexcept {
  if (value == "openai") {
    return StreamDialect::OpenAi;
  }
  return value == "anthropic" ? StreamDialect::Anthropic : StreamDialect::None;
}

// What the executor tells the edge is noted and, where it is not for clients, dropped.
void takeExecutorHeaders(ngx_http_request_t* r, RequestContext& context) noexcept {
  forEachHeader(r->headers_out.headers, [&](ngx_table_elt_t& header) {
    if (header.hash == 0) {
      return;
    }
    const std::string_view name = view(header.key);
    const std::string_view value = view(header.value);
    if (isHeaderName(name, "x-request-id")) {
      header.hash = 0;  // the same id, or one that this request does not have; ours is added below
    } else if (isHeaderName(name, "x-agent-usage")) {
      context.usage = parseUsage(value);
      header.hash = 0;
    } else if (isHeaderName(name, "x-agent-stream")) {
      context.dialect = parseDialect(value);
      header.hash = 0;
    } else if (isHeaderName(name, "x-agent-run-id")) {
      context.run_id = copyToPool(r->pool, value);
    }
  });
}

bool isEventStream(const ngx_http_request_t* r) noexcept {
  constexpr std::string_view kType = "text/event-stream";
  const std::string_view type = view(r->headers_out.content_type);
  return type.size() >= kType.size() &&
         ngx_strncasecmp(r->headers_out.content_type.data, borrowed(kType).data, kType.size()) == 0;
}

ngx_int_t filterHeader(ngx_http_request_t* r) noexcept {
  if (r != r->main || !mainConf(r).enabled()) {
    return next_header_filter(r);
  }
  RequestContext* context = ensureContext(r);
  if (context == nullptr) {
    return NGX_ERROR;
  }
  takeExecutorHeaders(r, *context);
  const std::string_view request_id = ensureRequestId(r, *context);
  if (request_id.empty() || !addResponseHeader(r, header::kRequestId, request_id) ||
      !addLimitHeaders(r, *context) || !addCorsHeaders(r, *context)) {
    return NGX_ERROR;
  }

  const bool is_from_executor = r->upstream != nullptr && !context->error_code;
  if (is_from_executor && context->scanner != nullptr) {
    releaseBody(r);
  }
  if (is_from_executor && isEventStream(r) && !r->header_only &&
      r->headers_out.content_encoding == nullptr) {
    context->sse = makeInPool<SseState>(r->pool);
    if (context->sse == nullptr || !guardStream(r, *context)) {
      return NGX_ERROR;
    }
    // Whatever proxy_buffering says: nginx looks at this after the header.
    r->upstream->buffering = 0;
    r->filter_need_in_memory = 1;
    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);
  }
  return next_header_filter(r);
}

ngx_int_t filterBody(ngx_http_request_t* r, ngx_chain_t* in) noexcept {
  RequestContext* context = r == r->main ? findContext(r) : nullptr;
  if (context == nullptr) {
    return next_body_filter(r, in);
  }
  if (context->sse != nullptr) {
    return filterStream(r, *context, in, next_body_filter);
  }
  settleAtEnd(r, *context, in);
  return next_body_filter(r, in);
}

}  // namespace

void installFilters() noexcept {
  next_header_filter = ngx_http_top_header_filter;
  ngx_http_top_header_filter = filterHeader;
  next_body_filter = ngx_http_top_body_filter;
  ngx_http_top_body_filter = filterBody;
}

}  // namespace agw
