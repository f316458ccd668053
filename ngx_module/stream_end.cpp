#include "ngx_module/stream_end.h"

#include "ngx_module/conf.h"
#include "ngx_module/sse_filter.h"
#include "ngx_module/str.h"
#include "ngx_module/worker.h"

namespace agw {
namespace {

// How nginx ends an upstream's response, and how it reads from it: pointers of the upstream and of
// its connection, which we stand before.
using FinalizeUpstream = void (*)(ngx_http_request_t*, ngx_int_t);

constexpr std::size_t kMaxEvent = 1024;
// The executor ends runs by itself; this is for one that does not.
constexpr ngx_msec_t kBackstop = 2000;

constexpr std::string_view kLost =
    "The executor was lost in the middle of its answer. The run may have happened in part; it was "
    "not repeated.";
constexpr std::string_view kSilent = "The executor stopped sending in the middle of its answer.";
constexpr std::string_view kTooLong = "The run reached its longest allowed time.";

}  // namespace

// In the request's pool.
struct StreamGuard {
  ngx_http_request_t* r;
  FinalizeUpstream finalize;
  ngx_connection_t* connection;  // to the executor; nullptr: `recv` is not replaced any more
  ngx_recv_pt recv;
  ngx_event_t timer;
  bool is_lost;     // the executor closed before its answer was complete
  bool is_written;  // the error event went out
};

namespace {

struct Ending {
  ErrorCode code;
  std::string_view message;
  Counter counter;
};
constexpr Ending kLostEnding{ErrorCode::RunLost, kLost, Counter::StreamsLost};
constexpr Ending kSilentEnding{ErrorCode::UpstreamTimeout, kSilent, Counter::StreamsSilent};
constexpr Ending kTooLongEnding{ErrorCode::RunTimeout, kTooLong, Counter::StreamsTooLong};

// OpenAI: "data: {"error":{…}}". Anthropic: "event: error" with {"type":"error","error":{…}}.
u_char* writeEvent(u_char* out, StreamDialect dialect, const Ending& ending) noexcept {
  if (dialect == StreamDialect::Anthropic) {
    out = put(out, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"");
    out = put(out, ending.code == ErrorCode::UpstreamTimeout ? "timeout_error" : "api_error");
    out = put(out, "\",\"message\":\"");
    out = put(out, ending.message);
    return put(out, "\"}}\n\n");
  }
  out = put(out, "data: ");
  out += writeErrorJson(reinterpret_cast<char*>(out), kMaxEvent / 2, ending.code, ending.message);
  return put(out, "\n\n");
}

// `is_last`: with the end of the response.
ngx_int_t sendEvent(ngx_http_request_t* r, RequestContext& context, const Ending& ending,
                    bool is_last) noexcept {
  StreamGuard& guard = *context.guard;
  guard.is_written = true;
  context.error_code = ending.code;
  thisWorker().count(ending.counter);
  ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "agent: the stream was ended with %s",
                errorEntry(ending.code).name.data());
  ngx_buf_t* buffer = ngx_create_temp_buf(r->pool, kMaxEvent);
  if (buffer == nullptr) {
    return NGX_ERROR;
  }
  buffer->last = put(buffer->last, cutStream(*context.sse));
  buffer->last = writeEvent(buffer->last, context.dialect, ending);
  buffer->flush = 1;
  buffer->last_buf = is_last;
  buffer->last_in_chain = 1;
  ngx_chain_t out{buffer, nullptr};
  return ngx_http_output_filter(r, &out);
}

void restoreRecv(StreamGuard& guard) noexcept {
  if (guard.connection != nullptr) {
    guard.connection->recv = guard.recv;
    guard.connection = nullptr;
  }
}

// Upstream connections are used again: the pointer goes back before nginx lets go of this one.
void onFinalize(ngx_http_request_t* r, ngx_int_t rc) noexcept {
  RequestContext& context = *findContext(r);
  StreamGuard& guard = *context.guard;
  // With buffering nginx calls a timeout a bad gateway.
  const ngx_connection_t* connection = r->upstream->peer.connection;
  const bool is_silent =
      rc == NGX_HTTP_GATEWAY_TIME_OUT || (connection != nullptr && connection->read->timedout);
  restoreRecv(guard);
  r->upstream->finalize_request = guard.finalize;
  guard.finalize(r, rc);
  if (guard.is_written) {
    return;
  }
  if (guard.is_lost) {
    // nginx goes on to write the end.
    if (sendEvent(r, context, kLostEnding, false) == NGX_ERROR) {
      r->connection->error = 1;
    }
  } else if (rc == NGX_HTTP_BAD_GATEWAY || rc == NGX_HTTP_GATEWAY_TIME_OUT) {
    // nginx closes the connection after this; the end must come from us.
    sendEvent(r, context, is_silent ? kSilentEnding : kLostEnding, true);
  }
}

// An answer that breaks off is made to look complete to nginx, so that it ends the client's
// response in order and keeps its connection; onFinalize() adds the error event.
ssize_t onRecv(ngx_connection_t* connection, u_char* buffer, std::size_t size) noexcept {
  auto* r = static_cast<ngx_http_request_t*>(connection->data);
  RequestContext& context = *findContext(r);
  StreamGuard& guard = *context.guard;
  const ssize_t received = guard.recv(connection, buffer, size);
  ngx_http_upstream_t& upstream = *r->upstream;
  const bool is_closed = received == 0 || received == NGX_ERROR;
  if (is_closed && upstream.length != 0 && upstream.length != -1) {
    guard.is_lost = true;
    upstream.length = 0;
  }
  return received;
}

void onTooLong(ngx_event_t* event) noexcept {
  auto& guard = *static_cast<StreamGuard*>(event->data);
  ngx_http_request_t* r = guard.r;
  ngx_connection_t* client = r->connection;
  ngx_http_set_log_request(client->log, r);
  RequestContext& context = *findContext(r);
  if (guard.is_written || r->upstream == nullptr || r->upstream->cleanup == nullptr) {
    return;
  }
  // Closes the upstream now, which gives back a count that we take first.
  guard.is_written = true;
  r->main->count++;
  (*r->upstream->cleanup)(r);
  const ngx_int_t rc = sendEvent(r, context, kTooLongEnding, true);
  ngx_http_finalize_request(r, rc);
  ngx_http_run_posted_requests(client);
}

void addTimer(StreamGuard& guard, ngx_msec_t time) noexcept {
  guard.timer.handler = onTooLong;
  guard.timer.data = &guard;
  guard.timer.log = guard.r->connection->log;
  ngx_add_timer(&guard.timer, time);
}

}  // namespace

bool guardStream(ngx_http_request_t* r, RequestContext& context) noexcept {
  if (context.dialect == StreamDialect::None || r->headers_out.status != NGX_HTTP_OK) {
    return true;
  }
  auto* guard = static_cast<StreamGuard*>(ngx_pcalloc(r->pool, sizeof(StreamGuard)));
  if (guard == nullptr) {
    return false;
  }
  guard->r = r;
  guard->finalize = r->upstream->finalize_request;
  context.guard = guard;
  r->upstream->finalize_request = onFinalize;
  ngx_connection_t* connection = r->upstream->peer.connection;
  if (connection != nullptr && !r->upstream->buffering) {
    guard->connection = connection;
    guard->recv = connection->recv;
    connection->recv = onRecv;
  }
  if (context.max_run != 0) {
    const ngx_msec_t since = ngx_current_msec - context.admitted_at;
    addTimer(*guard, context.max_run > since ? context.max_run - since + kBackstop : kBackstop);
  }
  return true;
}

void forgetStreamGuard(RequestContext& context) noexcept {
  StreamGuard* guard = context.guard;
  if (guard == nullptr) {
    return;
  }
  restoreRecv(*guard);
  if (guard->timer.timer_set) {
    ngx_del_timer(&guard->timer);
  }
}

}  // namespace agw
