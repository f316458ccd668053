// The one door through which nginx's headers enter. Include it before anything else of the system:
// ngx_config.h sets feature macros (_FILE_OFFSET_BITS and others) that must come first.
#pragma once

extern "C" {
#include <ngx_config.h>
// clang-format off: nginx's headers depend on this order.
#include <ngx_core.h>
#include <ngx_http.h>
#include <ngx_thread_pool.h>
// clang-format on
}

extern "C" ngx_module_t ngx_http_agent_module;
