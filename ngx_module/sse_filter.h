// Takes the usage comment out of an event stream as it passes, and lets whole event blocks pass:
// as views of the upstream's buffers, without a copy. Only a block that is cut between two buffers
// is copied.
#pragma once

#include <string_view>

#include "ngx_module/ngx.h"
#include "ngx_module/request_context.h"
#include "shared/sse_usage.h"

namespace agw {

// A part of an upstream's buffer, or a copy, on its way to the client.
struct SsePiece {
  ngx_buf_t buffer;  // `start` and `end`: a copy's own memory; nullptr for a view
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
  SsePiece* idle = nullptr;         // without memory
  SsePiece* idle_copies = nullptr;  // with
  SsePiece* held = nullptr;         // half an event block, until the rest of it comes
};

// The body filter proper; `next` is the following one.
ngx_int_t filterStream(ngx_http_request_t* r, RequestContext& context, ngx_chain_t* in,
                       ngx_http_output_body_filter_pt next) noexcept;

// The stream breaks off here: half a block is dropped. Returns what must be sent before an event
// can follow.
std::string_view cutStream(SseState& state) noexcept;

}  // namespace agw
