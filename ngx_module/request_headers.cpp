#include "ngx_module/request_headers.h"

namespace agw {
namespace {

constexpr ngx_uint_t kPartCapacity = kMaxNewHeaders;

ngx_table_elt_t* elementsOf(const ngx_list_part_t& part) noexcept {
  return static_cast<ngx_table_elt_t*>(part.elts);
}

// Cuts element `at` out of `part`. What follows it becomes a part of its own.
bool cut(ngx_http_request_t* r, ngx_list_part_t& part, ngx_uint_t at) noexcept {
  ngx_list_t& list = r->headers_in.headers;
  const ngx_uint_t after = part.nelts - at - 1;
  if (at == 0) {
    part.elts = elementsOf(part) + 1;
    part.nelts = after;
    return true;
  }
  if (after > 0) {
    auto* tail = static_cast<ngx_list_part_t*>(ngx_palloc(r->pool, sizeof(ngx_list_part_t)));
    if (tail == nullptr) {
      return false;
    }
    tail->elts = elementsOf(part) + at + 1;
    tail->nelts = after;
    tail->next = part.next;
    part.next = tail;
    if (list.last == &part) {
      list.last = tail;
    }
  }
  part.nelts = at;
  return true;
}

// nginx's loops read the first element of every part but the first without a look at its size.
void dropEmptyParts(ngx_list_t& list) noexcept {
  ngx_list_part_t* previous = &list.part;
  while (previous->next != nullptr) {
    if (previous->next->nelts == 0) {
      previous->next = previous->next->next;
    } else {
      previous = previous->next;
    }
  }
  list.last = previous;
}

// A part that begins inside its memory has less room than the list believes: pushes must go to a
// new one.
ngx_list_part_t* makePart(ngx_http_request_t* r, std::span<const NewHeader> add) noexcept {
  auto* part = static_cast<ngx_list_part_t*>(ngx_palloc(r->pool, sizeof(ngx_list_part_t)));
  auto* headers =
      static_cast<ngx_table_elt_t*>(ngx_pcalloc(r->pool, kPartCapacity * sizeof(ngx_table_elt_t)));
  if (part == nullptr || headers == nullptr) {
    return nullptr;
  }
  for (std::size_t i = 0; i < add.size(); ++i) {
    headers[i].key = borrowed(add[i].name->name);
    headers[i].lowcase_key = borrowed(add[i].name->lower).data;
    headers[i].value = borrowed(add[i].value);
    headers[i].hash = add[i].name->hash;
  }
  part->elts = headers;
  part->nelts = add.size();
  part->next = nullptr;
  return part;
}

}  // namespace

bool rewriteRequestHeaders(ngx_http_request_t* r, HeaderPredicate remove,
                           std::span<const NewHeader> add) noexcept {
  ngx_list_t& list = r->headers_in.headers;
  if (list.last == nullptr &&  // HTTP/0.9 has no headers, and nginx made no list for them
      ngx_list_init(&list, r->pool, kPartCapacity, sizeof(ngx_table_elt_t)) != NGX_OK) {
    return false;
  }
  ngx_list_part_t* added = makePart(r, add);
  if (added == nullptr) {
    return false;
  }
  bool is_cut = true;
  for (ngx_list_part_t* part = &list.part; part != nullptr; part = part->next) {
    for (ngx_uint_t i = 0; i < part->nelts && is_cut;) {
      ngx_table_elt_t& header = elementsOf(*part)[i];
      if (!remove(view(header.key))) {
        ++i;
        continue;
      }
      if (r->headers_in.authorization == &header) {
        r->headers_in.authorization = nullptr;
      }
      // At the front the next element comes to this place; elsewhere the rest is in the next part.
      is_cut = cut(r, *part, i);
    }
  }
  dropEmptyParts(list);
  list.last->next = added;
  list.last = added;
  // The list has one capacity, that of the part which is pushed to: now this one.
  list.nalloc = kPartCapacity;
  return is_cut;
}

}  // namespace agw
