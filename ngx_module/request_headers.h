// The headers of a client request, as nginx keeps them and as proxy_pass will send them.
#pragma once

#include <span>
#include <string_view>

#include "ngx_module/ngx.h"
#include "ngx_module/str.h"

namespace agw {

// All static.
struct HeaderName {
  std::string_view name;
  std::string_view lower;
  ngx_uint_t hash;  // nginx's, of `lower`

  constexpr HeaderName(std::string_view name, std::string_view lower) noexcept
      : name(name), lower(lower), hash(0) {
    for (const char c : lower) {
      hash = ngx_hash(hash, static_cast<unsigned char>(c));
    }
  }
};

struct NewHeader {
  const HeaderName* name;
  std::string_view value;  // lives as long as the request
};

// Calls visit(ngx_table_elt_t&) for every header, also in the odd lists of requests that were
// refused while they were parsed.
template <class Visit>
void forEachHeader(ngx_list_t& list, Visit visit) noexcept {
  for (ngx_list_part_t* part = &list.part; part != nullptr; part = part->next) {
    auto* headers = static_cast<ngx_table_elt_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; ++i) {
      visit(headers[i]);
    }
  }
}

using HeaderPredicate = bool (*)(std::string_view name) noexcept;

inline constexpr std::size_t kMaxNewHeaders = 8;

// Takes out every header of the request whose name `remove` picks and appends `add` (1 to
// kMaxNewHeaders). nginx points into the list, so no element that stays is moved: the parts of the
// list are cut. false: out of memory, and the request must be refused, since some header may still
// be there.
bool rewriteRequestHeaders(ngx_http_request_t* r, HeaderPredicate remove,
                           std::span<const NewHeader> add) noexcept;

}  // namespace agw
