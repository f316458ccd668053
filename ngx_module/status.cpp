#include "ngx_module/status.h"

#include <exception>

#include "ngx_module/conf.h"
#include "ngx_module/pool.h"
#include "ngx_module/status_text.h"
#include "ngx_module/str.h"
#include "ngx_module/worker.h"

namespace agw {
namespace {

// Copies under the lock; `problem` is where the text of the key file's problem goes.
StatusNumbers readNumbers(EdgeMemory& memory, const LimitLock& lock, std::string& problem) {
  const KeyFileState& file = memory.key_file;
  StatusNumbers numbers{.workers = memory.workers.alive(),
                        .uploads = memory.workers.uploads(),
                        .key_generation = memory.keys().generation(),
                        .keys = file.keys,
                        .key_capacity = memory.capacity(),
                        .key_text_used = file.text_used,
                        .key_text_capacity = memory.keys().textSize(),
                        .key_loads = file.loads,
                        .key_failures = file.failures,
                        .keys_loaded_at = file.loaded_at,
                        .key_load_microseconds = file.load_microseconds,
                        .keys_expiring = file.expiring,
                        .keys_expired = file.expired,
                        .is_key_file_valid = file.is_valid,
                        .key_file_problem = {},
                        .version = AGW_VERSION};
  problem.reserve(file.problem.size());
  LimitSection section(memory.limits(), lock, static_cast<std::uint32_t>(ngx_pid));
  numbers.counts = memory.workers.totals();
  numbers.limits = memory.limits().totals();
  problem = file.problem.data();
  numbers.key_file_problem = problem;
  return numbers;
}

using TextMaker = std::string (*)(const StatusNumbers& numbers);

ngx_int_t writeStatus(ngx_http_request_t* r, TextMaker makeText, std::string_view type) noexcept {
  if (r->method != NGX_HTTP_GET && r->method != NGX_HTTP_HEAD) {
    return NGX_HTTP_NOT_ALLOWED;
  }
  const ngx_int_t discarded = ngx_http_discard_request_body(r);
  if (discarded != NGX_OK) {
    return discarded;
  }
  const MainConf& conf = mainConf(r);
  if (!conf.enabled()) {
    return NGX_HTTP_NOT_FOUND;
  }
  ngx_str_t text{};
  try {
    std::string problem;
    const std::string made = makeText(readNumbers(*conf.memory, thisWorker().lock, problem));
    const std::string_view copy = copyToPool(r->pool, made);
    text = borrowed(copy);
  } catch (const std::exception& error) {
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "agent_status: %s", error.what());
  }
  if (text.data == nullptr) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  ngx_str_t content_type = borrowed(type);
  ngx_http_complex_value_t body{};
  body.value = text;
  return ngx_http_send_response(r, NGX_HTTP_OK, &content_type, &body);
}

}  // namespace

ngx_int_t writePrometheusStatus(ngx_http_request_t* r) noexcept {
  return writeStatus(r, prometheusText, "text/plain; version=0.0.4; charset=utf-8");
}

ngx_int_t writeJsonStatus(ngx_http_request_t* r) noexcept {
  return writeStatus(r, jsonText, "application/json");
}

}  // namespace agw
