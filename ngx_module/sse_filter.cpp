#include "ngx_module/sse_filter.h"

#include <string_view>

#include "ngx_module/limits.h"
#include "ngx_module/str.h"

namespace agw {
namespace {

// The chain that one call of the filter builds.
struct Output {
  ngx_http_request_t* r;
  SseState* state;
  ngx_chain_t* first = nullptr;
  ngx_chain_t** end = &first;
  // Of the buffer at work: its pieces so far.
  ngx_buf_t* original = nullptr;
  SsePiece* pieces = nullptr;
  SsePiece** pieces_end = &pieces;
  SsePiece* last_piece = nullptr;
  // Marks of buffers whose bytes all went, for the end of the chain.
  ngx_buf_t left_marks{};
  bool has_left_marks = false;

  void forgetPieces() noexcept {
    pieces = nullptr;
    pieces_end = &pieces;
    last_piece = nullptr;
  }
};

bool link(Output& out, ngx_buf_t* buffer) noexcept {
  ngx_chain_t* added = ngx_alloc_chain_link(out.r->pool);
  if (added == nullptr) {
    return false;
  }
  added->buf = buffer;
  added->next = nullptr;
  *out.end = added;
  out.end = &added->next;
  return true;
}

SsePiece* takePiece(Output& out, bool is_copy) noexcept {
  SsePiece*& idle = is_copy ? out.state->idle_copies : out.state->idle;
  SsePiece* piece = idle;
  u_char* memory = nullptr;
  if (piece != nullptr) {
    idle = piece->next;
    memory = piece->buffer.start;
  } else {
    piece = static_cast<SsePiece*>(ngx_palloc(out.r->pool, sizeof(SsePiece)));
    if (is_copy) {
      memory = static_cast<u_char*>(ngx_pnalloc(out.r->pool, SseUsageFilter::kMaxHeldLine));
    }
    if (piece == nullptr || (is_copy && memory == nullptr)) {
      return nullptr;
    }
  }
  ngx_memzero(piece, sizeof *piece);
  piece->buffer.start = memory;
  return piece;
}

bool addPiece(Output& out, std::string_view bytes, bool is_copy) noexcept {
  SsePiece* piece = takePiece(out, is_copy);
  if (piece == nullptr) {
    return false;
  }
  ngx_buf_t& buffer = piece->buffer;
  buffer.memory = 1;
  if (is_copy) {
    buffer.pos = buffer.start;
    buffer.end = buffer.start + SseUsageFilter::kMaxHeldLine;
    buffer.last = ngx_cpymem(buffer.pos, bytes.data(), bytes.size());
  } else {
    buffer.pos = borrowed(bytes).data;
    buffer.last = buffer.pos + bytes.size();
    buffer.recycled = out.original->recycled;
  }
  *out.pieces_end = piece;
  out.pieces_end = &piece->next;
  out.last_piece = piece;
  return true;
}

bool passBytes(void* context, std::string_view bytes, bool from_input) noexcept {
  auto& out = *static_cast<Output*>(context);
  while (!from_input && bytes.size() > SseUsageFilter::kMaxHeldLine) {
    if (!addPiece(out, bytes.substr(0, SseUsageFilter::kMaxHeldLine), true)) {
      return false;
    }
    bytes.remove_prefix(SseUsageFilter::kMaxHeldLine);
  }
  return bytes.empty() || addPiece(out, bytes, !from_input);
}

void giveBack(SseState& state, SsePiece* piece) noexcept {
  SsePiece*& idle = piece->buffer.start != nullptr ? state.idle_copies : state.idle;
  piece->next = idle;
  idle = piece;
}

// The pieces of the buffer at work take their place in the chain and in the list of those under
// way.
bool linkPieces(Output& out) noexcept {
  while (SsePiece* piece = out.pieces) {
    out.pieces = piece->next;
    piece->next = nullptr;
    if (out.state->busy == nullptr) {
      out.state->busy_end = &out.state->busy;
    }
    *out.state->busy_end = piece;
    out.state->busy_end = &piece->next;
    if (!link(out, &piece->buffer)) {
      return false;
    }
  }
  out.forgetPieces();
  return true;
}

void copyMarks(ngx_buf_t& to, const ngx_buf_t& from) noexcept {
  to.flush = from.flush;
  to.sync = from.sync;
  to.last_buf = from.last_buf;
  to.last_in_chain = from.last_in_chain;
}

bool hasMarks(const ngx_buf_t& buffer) noexcept {
  return buffer.flush || buffer.sync || buffer.last_buf || buffer.last_in_chain;
}

void leaveMarks(Output& out, const ngx_buf_t& from) noexcept {
  out.has_left_marks = out.has_left_marks || hasMarks(from);
  out.left_marks.flush |= from.flush;
  out.left_marks.sync |= from.sync;
  out.left_marks.last_buf |= from.last_buf;
  out.left_marks.last_in_chain |= from.last_in_chain;
}

// A buffer without bytes that carries the marks of those whose bytes all went.
bool linkLeftMarks(Output& out) noexcept {
  if (!out.has_left_marks) {
    return true;
  }
  auto* buffer = static_cast<ngx_buf_t*>(ngx_calloc_buf(out.r->pool));
  if (buffer == nullptr) {
    return false;
  }
  copyMarks(*buffer, out.left_marks);
  // nginx takes a buffer with no mark but last_in_chain for a mistake.
  buffer->sync = buffer->sync || !(buffer->flush || buffer->last_buf);
  return link(out, buffer);
}

bool isWhole(const Output& out, const ngx_buf_t& buffer) noexcept {
  return out.pieces != nullptr && out.pieces->next == nullptr &&
         out.pieces->buffer.pos == buffer.pos && out.pieces->buffer.last == buffer.last;
}

bool passBuffer(Output& out, ngx_buf_t* buffer) noexcept {
  const bool has_bytes = ngx_buf_in_memory(buffer) && buffer->last > buffer->pos;
  const SseUsageFilter::Sink sink{&out, passBytes};
  out.original = buffer;
  if (has_bytes && !out.state->usage.feed(view(buffer->pos, buffer->last), sink)) {
    return false;
  }
  if (has_bytes && !buffer->last_buf && isWhole(out, *buffer)) {
    giveBack(*out.state, out.pieces);
    out.forgetPieces();
    return link(out, buffer);
  }
  if (buffer->last_buf && !out.state->usage.finish(sink)) {
    return false;
  }
  if (!has_bytes) {
    // What was held back goes before the mark; the buffer itself stays as it is.
    return linkPieces(out) && link(out, buffer);
  }
  if (out.last_piece == nullptr) {
    buffer->pos = buffer->last;
    leaveMarks(out, *buffer);
    return true;
  }
  copyMarks(out.last_piece->buffer, *buffer);
  out.last_piece->original = buffer;
  return linkPieces(out);
}

// Upstreams learn from the position of their own buffers what has been sent.
void collectSent(SseState& state) noexcept {
  while (SsePiece* piece = state.busy) {
    if (ngx_buf_size(&piece->buffer) != 0) {
      break;
    }
    if (piece->original != nullptr) {
      piece->original->pos = piece->original->last;
    }
    state.busy = piece->next;
    giveBack(state, piece);
  }
}

}  // namespace

ngx_int_t filterStream(ngx_http_request_t* r, RequestContext& context, ngx_chain_t* in,
                       ngx_http_output_body_filter_pt next) noexcept {
  SseState& state = *context.sse;
  Output out{.r = r, .state = &state};
  for (ngx_chain_t* each = in; each != nullptr; each = each->next) {
    if (!passBuffer(out, each->buf)) {
      return NGX_ERROR;
    }
  }
  if (!linkLeftMarks(out)) {
    return NGX_ERROR;
  }
  context.usage = state.usage.usage();
  if (in != nullptr && out.first == nullptr) {
    // Every byte was taken out or held back: nothing to send.
    return NGX_OK;
  }
  settleAtEnd(r, context, out.first);
  const ngx_int_t rc = next(r, out.first);
  for (ngx_chain_t* each = out.first; each != nullptr;) {
    ngx_chain_t* done = each;
    each = each->next;
    ngx_free_chain(r->pool, done);
  }
  collectSent(state);
  return rc;
}

}  // namespace agw
