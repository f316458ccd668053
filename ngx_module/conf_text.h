// What the setters of directives share.
#pragma once

#include "ngx_module/conf.h"
#include "ngx_module/ngx.h"

namespace agw {

// NGX_CONF_ERROR is a void pointer.
inline char* confError() noexcept { return static_cast<char*>(NGX_CONF_ERROR); }

inline ConfPlace placeOf(const ngx_conf_t* cf) noexcept {
  return {cf->conf_file->file.name, cf->conf_file->line};
}

// The words of the directive at work, its name first.
inline ngx_str_t* arguments(ngx_conf_t* cf) noexcept {
  return static_cast<ngx_str_t*>(cf->args->elts);
}

inline char* isDuplicate() noexcept { return const_cast<char*>("is duplicate"); }

}  // namespace agw
