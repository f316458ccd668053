// Takes the usage comment out of an event stream as it passes, without a copy of the rest: bytes
// that stay are passed on as views of the upstream's buffers.
#pragma once

#include "ngx_module/ngx.h"
#include "ngx_module/request_context.h"
#include "shared/sse_usage.h"

namespace agw {

// A part of an upstream's buffer, or of a held-back line, on its way to the client.
struct SsePiece {
  ngx_buf_t buffer;
  ngx_buf_t*
      original;  // consumed once this piece is sent; nullptr: not the last piece of its buffer
  SsePiece* next;
};

// Per response, in the request's pool. Pieces are used again, so that a stream of any length needs
// only as many as are under way at once.
struct SseState {
  SseUsageFilter usage;
  SsePiece* busy = nullptr;  // handed on and not yet sent, in order
  SsePiece** busy_end = nullptr;
  SsePiece* idle = nullptr;         // views
  SsePiece* idle_copies = nullptr;  // with room for a held line of their own
};

// The body filter proper; `next` is the following one.
ngx_int_t filterStream(ngx_http_request_t* r, RequestContext& context, ngx_chain_t* in,
                       ngx_http_output_body_filter_pt next) noexcept;

}  // namespace agw
