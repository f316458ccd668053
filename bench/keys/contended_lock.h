// A lock that processes share: it spins a little and then sleeps, as that of an nginx zone does.
#pragma once

#include <pthread.h>

#include "ngx_module/limit_store.h"

namespace keys_bench {

// Lies in shared memory.
class ContendedLock {
 public:
  ContendedLock() noexcept {
    pthread_mutexattr_t attributes;
    ::pthread_mutexattr_init(&attributes);
    ::pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    ::pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
    ::pthread_mutex_init(&mutex_, &attributes);
    ::pthread_mutexattr_destroy(&attributes);
  }

  agw::LimitLock interface() noexcept {
    return {
        .data = &mutex_,
        .lock =
            [](void* data) noexcept { ::pthread_mutex_lock(static_cast<pthread_mutex_t*>(data)); },
        .unlock =
            [](void* data) noexcept {
              ::pthread_mutex_unlock(static_cast<pthread_mutex_t*>(data));
            }};
  }

 private:
  pthread_mutex_t mutex_;
};

}  // namespace keys_bench
