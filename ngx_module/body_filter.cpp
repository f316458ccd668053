#include "ngx_module/body_filter.h"

#include "ngx_module/uploads.h"

namespace agw {
namespace {

// Set before the workers are forked, never changed.
ngx_http_request_body_filter_pt next_filter = nullptr;

// Keeps none of the bytes, but tells nginx when they have ended.
ngx_int_t dropBody(ngx_http_request_t* r, ngx_chain_t* in) noexcept {
  for (ngx_chain_t* link = in; link != nullptr; link = link->next) {
    link->buf->pos = link->buf->last;
    if (link->buf->last_buf) {
      ngx_chain_t last{link->buf, nullptr};
      return next_filter(r, &last);
    }
  }
  return NGX_OK;
}

// Looks at the bytes and passes them on. After an error the rest is read but not scanned: the
// client gets its answer on a connection that can go on.
ngx_int_t scanBody(ngx_http_request_t* r, ngx_chain_t* in) noexcept {
  RequestContext* context = in != nullptr ? findContext(r) : nullptr;
  if (context != nullptr && context->is_body_refused) {
    return dropBody(r, in);
  }
  if (context != nullptr && context->scanner != nullptr) {
    for (ngx_chain_t* link = in; link != nullptr; link = link->next) {
      const ngx_buf_t& buffer = *link->buf;
      if (context->scan_status == ScanStatus::InProgress && ngx_buf_in_memory(&buffer) &&
          buffer.last > buffer.pos) {
        context->scan_status =
            context->scanner->feed(reinterpret_cast<const char*>(buffer.pos),
                                   static_cast<std::size_t>(buffer.last - buffer.pos));
      }
    }
  }
  return next_filter(r, in);
}

}  // namespace

void finishBody(ngx_http_request_t* r) noexcept {
  RequestContext* context = findContext(r);
  context->body_state = BodyState::Complete;
  endUpload(*context);
  if (context->is_suspended) {
    context->is_suspended = false;
    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
  }
}

void releaseBody(ngx_http_request_t* r) noexcept {
  ngx_http_request_body_t* body = r->request_body;
  if (body == nullptr || body->rest != 0) {
    return;
  }
  // Each call frees what is an allocation of its own and not freed yet; a small body lies inside
  // the pool and stays.
  for (ngx_chain_t* link = body->bufs; link != nullptr; link = link->next) {
    if (link->buf->temporary) {
      ngx_pfree(r->pool, link->buf->start);
    }
  }
  if (body->buf != nullptr) {
    ngx_pfree(r->pool, body->buf->start);  // also where the body went to a file
  }
  body->bufs = nullptr;
  body->buf = nullptr;
}

void installBodyFilter() noexcept {
  next_filter = ngx_http_top_request_body_filter;
  ngx_http_top_request_body_filter = scanBody;
}

ngx_int_t readBody(ngx_http_request_t* r, RequestContext& context) noexcept {
  context.body_state = BodyState::Reading;
  const ngx_int_t rc = ngx_http_read_client_request_body(r, finishBody);
  if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
    return rc;
  }
  if (context.body_state == BodyState::Complete) {
    // The handler ran within the call: give back the count that it was called with.
    r->main->count--;
    return NGX_OK;
  }
  context.is_suspended = true;
  ngx_http_finalize_request(r, NGX_DONE);
  return NGX_DONE;
}

}  // namespace agw
