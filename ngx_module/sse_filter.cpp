#include "ngx_module/sse_filter.h"

#include <algorithm>
#include <bit>

#include "ngx_module/limits.h"
#include "ngx_module/str.h"

namespace agw {
namespace {

constexpr std::size_t kSmallestCopy = 512;
constexpr std::size_t kLargestIdleCopy = 4096;

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

// A copy keeps its memory while it is idle.
SsePiece* takePiece(ngx_pool_t* pool, SsePiece*& idle) noexcept {
  SsePiece* piece = idle;
  if (piece != nullptr) {
    idle = piece->next;
  } else {
    piece = static_cast<SsePiece*>(ngx_pcalloc(pool, sizeof(SsePiece)));
    if (piece == nullptr) {
      return nullptr;
    }
  }
  u_char* const memory = piece->buffer.start;
  u_char* const end = piece->buffer.end;
  ngx_memzero(piece, sizeof *piece);
  piece->buffer.start = piece->buffer.pos = piece->buffer.last = memory;
  piece->buffer.end = end;
  piece->buffer.memory = 1;
  return piece;
}

void addPiece(Output& out, SsePiece* piece) noexcept {
  *out.pieces_end = piece;
  out.pieces_end = &piece->next;
  out.last_piece = piece;
}

// Room for `size` bytes more.
bool makeRoom(ngx_pool_t* pool, ngx_buf_t& buffer, std::size_t size) noexcept {
  const auto used = static_cast<std::size_t>(buffer.last - buffer.start);
  if (used + size <= static_cast<std::size_t>(buffer.end - buffer.start)) {
    return true;
  }
  const std::size_t room = std::max(kSmallestCopy, std::bit_ceil(used + size));
  auto* memory = static_cast<u_char*>(ngx_pnalloc(pool, room));
  if (memory == nullptr) {
    return false;
  }
  if (used != 0) {
    ngx_memcpy(memory, buffer.start, used);
    ngx_pfree(pool, buffer.start);  // what is small stays in the pool
  }
  buffer.start = buffer.pos = memory;
  buffer.last = memory + used;
  buffer.end = memory + room;
  return true;
}

bool holdBytes(void* context, std::string_view bytes) noexcept {
  auto& out = *static_cast<Output*>(context);
  SsePiece*& held = out.state->held;
  ngx_pool_t* const pool = out.r->pool;
  if (held == nullptr) {
    held = takePiece(pool, out.state->idle_copies);
  }
  if (held == nullptr || !makeRoom(pool, held->buffer, bytes.size())) {
    return false;
  }
  held->buffer.last = ngx_cpymem(held->buffer.last, bytes.data(), bytes.size());
  return true;
}

bool passBytes(void* context, std::string_view bytes) noexcept {
  auto& out = *static_cast<Output*>(context);
  if (out.state->held != nullptr) {
    addPiece(out, out.state->held);
    out.state->held = nullptr;
  }
  if (bytes.empty()) {
    return true;
  }
  SsePiece* piece = takePiece(out.r->pool, out.state->idle);
  if (piece == nullptr) {
    return false;
  }
  piece->buffer.pos = borrowed(bytes).data;
  piece->buffer.last = piece->buffer.pos + bytes.size();
  piece->buffer.recycled = out.original->recycled;
  addPiece(out, piece);
  return true;
}

// A stream that sent one large block does not keep the memory for its whole life.
void giveBack(ngx_pool_t* pool, SseState& state, SsePiece* piece) noexcept {
  ngx_buf_t& buffer = piece->buffer;
  if (static_cast<std::size_t>(buffer.end - buffer.start) > kLargestIdleCopy &&
      ngx_pfree(pool, buffer.start) == NGX_OK) {
    buffer.start = buffer.end = nullptr;
  }
  SsePiece*& idle = buffer.start != nullptr ? state.idle_copies : state.idle;
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
  const SseUsageFilter::Sink sink{&out, passBytes, holdBytes};
  out.original = buffer;
  if (has_bytes && !out.state->usage.feed(view(buffer->pos, buffer->last), sink)) {
    return false;
  }
  if (has_bytes && !buffer->last_buf && isWhole(out, *buffer)) {
    giveBack(out.r->pool, *out.state, out.pieces);
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
void collectSent(ngx_pool_t* pool, SseState& state) noexcept {
  while (SsePiece* piece = state.busy) {
    if (ngx_buf_size(&piece->buffer) != 0) {
      break;
    }
    if (piece->original != nullptr) {
      piece->original->pos = piece->original->last;
    }
    state.busy = piece->next;
    giveBack(pool, state, piece);
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
  collectSent(r->pool, state);
  return rc;
}

std::string_view cutStream(SseState& state) noexcept {
  if (SsePiece* held = state.held) {
    state.held = nullptr;
    held->next = state.idle_copies;
    state.idle_copies = held;
  }
  return state.usage.cut();
}

}  // namespace agw
