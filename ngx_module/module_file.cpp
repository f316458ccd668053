#include "ngx_module/module_file.h"

#include <dlfcn.h>

#include "ngx_module/file_reader.h"

namespace agw {
namespace {

// Of this copy of the module; the master keeps it over reloads.
FileVersion loaded;

}  // namespace

void lookAtModuleFile(ngx_log_t* log) noexcept {
  Dl_info info{};
  if (dladdr(&ngx_http_agent_module, &info) == 0 || info.dli_fname == nullptr) {
    return;
  }
  FileVersion now = versionOf(info.dli_fname);
  now.changed_ns = 0;  // a change of mode or of links is none of the code
  if (loaded == FileVersion{}) {
    loaded = now;
  } else if (!(now == loaded)) {
    ngx_log_error(
        NGX_LOG_WARN, log, 0,
        "agent: the module's file \"%s\" has changed; nginx goes on with the one that it has "
        "loaded, until it is restarted or its binary upgraded (keys, limits and counters "
        "are kept till then)",
        info.dli_fname);
  }
}

}  // namespace agw
