#include "ngx_module/uploads.h"

#include "ngx_module/conf.h"
#include "ngx_module/worker.h"

namespace agw {
namespace {

bool isHere(const ngx_http_request_t* r) noexcept {
  return !r->headers_in.chunked && r->headers_in.content_length_n >= 0 && r->stream == nullptr &&
         r->header_in->last - r->header_in->pos >= r->headers_in.content_length_n;
}

void add(WorkerRecord& record, std::int64_t amount) noexcept {
  record.uploads.store(record.uploads.load(std::memory_order_relaxed) + amount,
                       std::memory_order_relaxed);
}

}  // namespace

bool beginUpload(ngx_http_request_t* r, RequestContext& context) noexcept {
  Worker& worker = thisWorker();
  if (worker.record == kNoIndex || context.is_uploading || isHere(r)) {
    return true;
  }
  const auto most = static_cast<std::int64_t>(mainConf(r).max_uploads);
  if (most != 0 && worker.memory->workers.uploads() >= most) {
    return false;
  }
  add(worker.memory->workers[worker.record], 1);
  context.is_uploading = true;
  return true;
}

void endUpload(RequestContext& context) noexcept {
  if (context.is_uploading && thisWorker().record != kNoIndex) {
    context.is_uploading = false;
    add(thisWorker().memory->workers[thisWorker().record], -1);
  }
}

}  // namespace agw
