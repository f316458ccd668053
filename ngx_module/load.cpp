#include "ngx_module/load.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>
#include <chrono>
#include <exception>
#include <string>
#include <vector>

#include "ngx_module/config_file.h"
#include "ngx_module/file_reader.h"
#include "ngx_module/key_file.h"
#include "ngx_module/key_load_job.h"
#include "ngx_module/key_watch.h"
#include "ngx_module/module_file.h"
#include "ngx_module/str.h"
#include "ngx_module/worker.h"
#include "shared/proof.h"

namespace agw {
namespace {

constexpr std::size_t kMaxSecretFile = 16 * 1024;

// ngx_conf_full_name leaves a NUL behind the name.
const char* pathOf(const ngx_str_t& path) noexcept {
  return reinterpret_cast<const char*>(path.data);
}

// Runs code that may throw (memory) at the border to nginx.
template <class Load>
bool guarded(ngx_log_t* log, const char* what, Load load) noexcept {
  try {
    return load();
  } catch (const std::exception& error) {
    ngx_log_error(NGX_LOG_EMERG, log, 0, "%s: %s", what, error.what());
    return false;
  }
}

void logFileError(ngx_log_t* log, const char* directive, const ngx_str_t& path, const ConfPlace& at,
                  const std::string& error) noexcept {
  ngx_log_error(NGX_LOG_EMERG, log, 0, "%s \"%V\" %s, in %V:%ui", directive, &path, error.c_str(),
                &at.file, at.line);
}

// The memory is one allocation of whole pages; nginx's allocator keeps a record of each page and a
// few of its own.
constexpr std::uint64_t kOwnPages = 16;

std::uint64_t usableBytes(std::uint64_t zone_size) noexcept {
  const std::uint64_t page = ngx_pagesize;
  return (zone_size - kOwnPages * page) / (page + sizeof(ngx_slab_page_t)) * page;
}

}  // namespace

std::uint64_t zoneBytesFor(std::uint64_t capacity) noexcept {
  const std::uint64_t page = ngx_pagesize;
  const std::uint64_t pages = EdgeMemory::smallestFor(capacity) / page + 1;
  return pages * (page + sizeof(ngx_slab_page_t)) + kOwnPages * page;
}

ngx_int_t initZone(ngx_shm_zone_t* zone, void* old_data) noexcept {
  auto& conf = *static_cast<MainConf*>(zone->data);
  ngx_log_t* log = zone->shm.log;
  const bool can_read = conf.keys_path.len == 0 || guarded(log, "agent_keys", [&] {
                          std::string error;
                          if (workersCanRead(pathOf(conf.keys_path), *conf.core, error)) {
                            return true;
                          }
                          logFileError(log, "agent_keys", conf.keys_path, conf.keys_at, error);
                          return false;
                        });
  if (!can_read) {
    return NGX_ERROR;
  }
  auto* slab = reinterpret_cast<ngx_slab_pool_t*>(zone->shm.addr);
  if (old_data != nullptr) {
    // Not what `old_data` points to: that is of the old configuration, and perhaps of another
    // version of the module.
    if (!EdgeMemory::isUsable(slab->data)) {
      ngx_log_error(NGX_LOG_EMERG, log, 0,
                    "agent_zone \"%V\" was made by another version of the module, and this one "
                    "cannot read it; restart nginx, in %V:%ui",
                    &zone->shm.name, &conf.zone_at.file, conf.zone_at.line);
      return NGX_ERROR;
    }
    conf.memory = static_cast<EdgeMemory*>(slab->data);
    if (conf.memory->capacity() != conf.capacity) {
      ngx_log_error(NGX_LOG_EMERG, log, 0,
                    "agent_zone \"%V\" was made for keys=%uL and is live; for keys=%uL change its "
                    "size or name too, or "
                    "restart nginx, in %V:%ui",
                    &zone->shm.name, conf.memory->capacity(), conf.capacity, &conf.zone_at.file,
                    conf.zone_at.line);
      return NGX_ERROR;
    }
    return NGX_OK;
  }
  LimitSecret secret{};
  if (RAND_bytes(secret.data(), secret.size()) != 1) {
    ngx_log_error(NGX_LOG_EMERG, log, 0, "agent_zone: there are no random bytes");
    return NGX_ERROR;
  }
  const std::uint64_t bytes = usableBytes(zone->shm.size);
  void* memory = ngx_slab_calloc(slab, bytes);
  if (memory == nullptr) {
    return NGX_ERROR;
  }
  conf.memory = EdgeMemory::create(memory, bytes, conf.capacity, &ngx_http_agent_module, secret);
  slab->data = conf.memory;
  return NGX_OK;
}

bool loadEdgeSecret(MainConf& conf, ngx_log_t* log) noexcept {
  return guarded(log, "agent_edge_secret", [&] {
    std::string text;
    std::string error;
    FileVersion version;
    if (!readWholeFile(pathOf(conf.secret_path), kMaxSecretFile, text, version, error)) {
      logFileError(log, "agent_edge_secret", conf.secret_path, conf.secret_at, error);
      return false;
    }
    EdgeSecrets parsed = parseEdgeSecrets(text);
    OPENSSL_cleanse(text.data(), text.size());
    if (!parsed.error.empty() || parsed.secrets.empty()) {
      logFileError(log, "agent_edge_secret", conf.secret_path, conf.secret_at,
                   parsed.error.empty() ? "has no secret" : "is not usable: " + parsed.error);
      return false;
    }
    conf.owned->signing_key.emplace(parsed.secrets.front());
    for (std::string& secret : parsed.secrets) {
      OPENSSL_cleanse(secret.data(), secret.size());
    }
    if (isWorldReadable(pathOf(conf.secret_path))) {
      ngx_log_error(NGX_LOG_WARN, log, 0,
                    "agent_edge_secret \"%V\" can be read by every user of this machine",
                    &conf.secret_path);
    }
    return true;
  });
}

bool loadKeys(MainConf& conf, ngx_log_t* log) noexcept {
  return guarded(log, "agent_keys", [&] {
    std::string text;
    std::string error;
    const auto begin = std::chrono::steady_clock::now();
    if (!readWholeFile(pathOf(conf.keys_path), kMaxKeyFile, text, conf.owned->image_version,
                       error)) {
      logFileError(log, "agent_keys", conf.keys_path, conf.keys_at, error);
      return false;
    }
    std::vector<KeyFileError> errors;
    const std::uint64_t text_size =
        EdgeMemory::textFor(usableBytes(conf.zone->shm.size), conf.capacity);
    conf.owned->image = buildKeyImage(text, conf.capacity, text_size, errors);
    for (const KeyFileError& found : errors) {
      if (found.line == 0) {
        logFileError(log, "agent_keys", conf.keys_path, conf.keys_at, found.message);
      } else {
        ngx_log_error(NGX_LOG_EMERG, log, 0, "agent_keys %V:%uL: %s", &conf.keys_path, found.line,
                      found.message.c_str());
      }
    }
    if (!errors.empty()) {
      return false;
    }
    conf.owned->image_microseconds =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                       std::chrono::steady_clock::now() - begin)
                                       .count());
    if (conf.owned->image->keys == 0) {
      ngx_log_error(NGX_LOG_WARN, log, 0,
                    "agent_keys \"%V\" has no key: every request will be refused", &conf.keys_path);
    }
    return true;
  });
}

void takeOver(MainConf& conf, ngx_log_t* log) noexcept {
  EdgeMemory& memory = *conf.memory;
  lookAtModuleFile(log);
  if (memory.noteModule(&ngx_http_agent_module)) {
    ngx_log_error(NGX_LOG_NOTICE, log, 0,
                  "agent_zone: another file of the module is in use from now on, version %s; keys, "
                  "limits and counters are kept",
                  AGW_VERSION);
  }
  // From here on workers of older configurations leave the file alone.
  conf.epoch = memory.epoch.fetch_add(1) + 1;
  if (conf.owned->image == nullptr) {
    return;
  }
  const KeyImage& image = *conf.owned->image;
  if (!acquireLoader(memory)) {
    // It will find that it is no longer wanted; then the new workers load the file.
    ngx_log_error(NGX_LOG_NOTICE, log, 0, "agent_keys: a worker is loading a file just now");
    conf.owned->image.reset();
    return;
  }
  KeyFileState& state = memory.key_file;
  memory.keys().fillIdle(image);
  memory.keys().publish();
  state.judged = conf.owned->image_version;
  state.seen = conf.owned->image_version;
  state.keys = image.keys;
  state.text_used = image.text.size();
  state.load_microseconds = conf.owned->image_microseconds;
  state.loaded_at = ngx_time();
  ++state.loads;
  state.next_expiry_look = 0;
  state.next_expiry_warning = 0;
  noteKeyFile(memory, lockOf(*conf.zone), {});
  releaseLoader(memory);
  ngx_log_error(NGX_LOG_NOTICE, log, 0, "agent_keys: %uL keys, generation %uL", image.keys,
                memory.keys().generation());
  conf.owned->image.reset();
}

}  // namespace agw
