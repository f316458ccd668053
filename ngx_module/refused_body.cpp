#include "ngx_module/refused_body.h"

#include "ngx_module/body_filter.h"
#include "ngx_module/uploads.h"

namespace agw {
namespace {

constexpr off_t kLargest = 1 << 20;

bool isWorthReading(const ngx_http_request_t* r, const RequestContext& context) noexcept {
  return r->stream != nullptr && r->request_body == nullptr &&
         context.body_state == BodyState::NotRead && r->headers_in.content_length_n > 0 &&
         r->headers_in.content_length_n <= kLargest;
}

// Too slow: what still comes is not waited for.
void onTooSlow(ngx_event_t* event) noexcept {
  auto* r = static_cast<ngx_http_request_t*>(event->data);
  ngx_connection_t* client = r->connection;
  ngx_http_set_log_request(client->log, r);
  r->stream->skip_data = 1;
  r->read_event_handler = ngx_http_block_reading;
  if (client->read->timer_set) {
    ngx_del_timer(client->read);
  }
  finishBody(r);
  ngx_http_run_posted_requests(client);
}

}  // namespace

ngx_int_t readRefusedBody(ngx_http_request_t* r) noexcept {
  RequestContext* context = ensureContext(r);
  if (context == nullptr) {
    return NGX_DECLINED;
  }
  if (context->body_state != BodyState::NotRead) {
    forgetRefusedBody(*context);
    return NGX_DECLINED;
  }
  if (!isWorthReading(r, *context) || !beginUpload(r, *context)) {
    return NGX_DECLINED;
  }
  auto* timer = static_cast<ngx_event_t*>(ngx_pcalloc(r->pool, sizeof(ngx_event_t)));
  if (timer == nullptr) {
    endUpload(*context);
    return NGX_DECLINED;
  }
  context->is_body_refused = true;
  // nginx was told to skip it when the request was refused.
  r->stream->skip_data = 0;
  const ngx_int_t rc = readBody(r, *context);
  if (rc == NGX_DONE) {
    const auto* core = static_cast<ngx_http_core_loc_conf_t*>(
        ngx_http_get_module_loc_conf(r, ngx_http_core_module));
    timer->handler = onTooSlow;
    timer->data = r;
    timer->log = r->connection->log;
    context->refused_body_timer = timer;
    ngx_add_timer(timer, core->lingering_time);
  }
  return rc == NGX_OK ? NGX_DECLINED : rc;
}

void forgetRefusedBody(RequestContext& context) noexcept {
  if (context.refused_body_timer != nullptr && context.refused_body_timer->timer_set) {
    ngx_del_timer(context.refused_body_timer);
  }
}

}  // namespace agw
