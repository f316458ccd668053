#include "ngx_module/load.h"

#include <openssl/crypto.h>

#include <exception>
#include <string>
#include <vector>

#include "ngx_module/config_file.h"
#include "ngx_module/key_file.h"
#include "ngx_module/str.h"
#include "shared/proof.h"

namespace agw {
namespace {

constexpr std::size_t kMaxSecretFile = 16 * 1024;
constexpr std::size_t kMaxKeyFile = std::size_t{1} << 30;

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

}  // namespace

std::uint64_t zoneBytesFor(std::uint64_t capacity) noexcept {
  // The table is one allocation of whole pages; the allocator keeps a record of each page and a few
  // of its own.
  const std::uint64_t page = ngx_pagesize;
  const std::uint64_t pages = KeyTable::bytesFor(capacity) / page + 1;
  return pages * (page + sizeof(ngx_slab_page_t)) + 16 * page;
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
  if (old_data != nullptr) {
    conf.table = static_cast<MainConf*>(old_data)->table;
    if (conf.table->capacity() != conf.capacity) {
      ngx_log_error(NGX_LOG_EMERG, log, 0,
                    "agent_zone \"%V\" was made for keys=%uL and is live; for keys=%uL change its "
                    "size or name too, or "
                    "restart nginx, in %V:%ui",
                    &zone->shm.name, conf.table->capacity(), conf.capacity, &conf.zone_at.file,
                    conf.zone_at.line);
      return NGX_ERROR;
    }
    return NGX_OK;
  }
  auto* slab = reinterpret_cast<ngx_slab_pool_t*>(zone->shm.addr);
  void* memory = ngx_slab_alloc(slab, KeyTable::bytesFor(conf.capacity));
  if (memory == nullptr) {
    return NGX_ERROR;
  }
  conf.table = KeyTable::create(memory, conf.capacity);
  return NGX_OK;
}

bool loadEdgeSecret(MainConf& conf, ngx_log_t* log) noexcept {
  return guarded(log, "agent_edge_secret", [&] {
    std::string text;
    std::string error;
    if (!readConfigFile(pathOf(conf.secret_path), kMaxSecretFile, text, error)) {
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
    if (!readConfigFile(pathOf(conf.keys_path), kMaxKeyFile, text, error)) {
      logFileError(log, "agent_keys", conf.keys_path, conf.keys_at, error);
      return false;
    }
    std::vector<KeyFileError> errors;
    conf.owned->image = buildKeyImage(text, conf.capacity, errors);
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
    if (conf.owned->image->limited_keys != 0) {
      ngx_log_error(NGX_LOG_WARN, log, 0,
                    "agent_keys %V:%uL: requests=, burst=, tokens=, streams= and max_run= are not "
                    "enforced by "
                    "this version; keys with one of them: %uL",
                    &conf.keys_path, conf.owned->image->first_limited_line,
                    conf.owned->image->limited_keys);
    }
    if (conf.owned->image->keys == 0) {
      ngx_log_error(NGX_LOG_WARN, log, 0,
                    "agent_keys \"%V\" has no key: every request will be refused", &conf.keys_path);
    }
    return true;
  });
}

void publishKeys(MainConf& conf, ngx_log_t* log) noexcept {
  if (conf.table == nullptr || conf.owned->image == nullptr) {
    return;
  }
  conf.table->publish(*conf.owned->image);
  ngx_log_error(NGX_LOG_NOTICE, log, 0, "agent_keys: %uL keys, generation %uL",
                conf.owned->image->keys, conf.table->generation());
  conf.owned->image.reset();
}

}  // namespace agw
