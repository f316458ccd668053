#include "ngx_module/response_headers.h"

#include "ngx_module/str.h"

namespace agw {

bool addResponseHeader(ngx_http_request_t* r, std::string_view name,
                       std::string_view value) noexcept {
  auto* header = static_cast<ngx_table_elt_t*>(ngx_list_push(&r->headers_out.headers));
  if (header == nullptr) {
    return false;
  }
  ngx_memzero(header, sizeof *header);
  header->hash = 1;
  header->key = borrowed(name);
  header->value = borrowed(value);
  return true;
}

}  // namespace agw
