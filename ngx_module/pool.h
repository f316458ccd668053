// Memory of nginx pools: freed all at once with the request or the configuration, no destructors
// run.
#pragma once

#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include "ngx_module/ngx.h"
#include "ngx_module/str.h"

namespace agw {

// nullptr when out of memory. Only for types whose destructor does nothing, since none is ever run.
template <class T, class... Args>
T* makeInPool(ngx_pool_t* pool, Args&&... args) noexcept {
  static_assert(std::is_trivially_destructible_v<T>);
  void* memory = ngx_palloc(pool, sizeof(T));
  return memory ? new (memory) T(std::forward<Args>(args)...) : nullptr;
}

// An object with a destructor; it runs when the pool is destroyed. nullptr when out of memory.
template <class T>
T* makeOwnedByPool(ngx_pool_t* pool) noexcept {
  ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(pool, sizeof(T));
  if (cleanup == nullptr) {
    return nullptr;
  }
  T* object = new (cleanup->data) T();
  cleanup->handler = [](void* data) { static_cast<T*>(data)->~T(); };
  return object;
}

// A copy of `text` in the pool; data() == nullptr when out of memory.
inline std::string_view copyToPool(ngx_pool_t* pool, std::string_view text) noexcept {
  auto* memory = static_cast<u_char*>(ngx_pnalloc(pool, text.size() + 1));
  if (memory == nullptr) {
    return {};
  }
  ngx_memcpy(memory, text.data(), text.size());
  memory[text.size()] = '\0';
  return {reinterpret_cast<char*>(memory), text.size()};
}

}  // namespace agw
