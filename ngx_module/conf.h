// The configuration of the module, as nginx keeps it: plain structs in the configuration's pool.
#pragma once

#include <memory>
#include <optional>

#include "ngx_module/key_table.h"
#include "ngx_module/ngx.h"
#include "shared/edge_headers.h"
#include "shared/proof.h"

namespace agw {

// Where a directive stands, for messages of checks that can only run later.
struct ConfPlace {
  ngx_str_t file;
  ngx_uint_t line;
};

// What needs a destructor; the configuration's pool runs it.
struct MainOwned {
  std::optional<ProofKey> signing_key;  // each worker has a copy, from its fork
  std::unique_ptr<KeyImage> image;      // from the configuration phase until it is published
};

// http {}. Zeroed when made: a path of length 0 is a directive that was not given.
struct MainConf {
  ngx_shm_zone_t* zone;  // nullptr: the module leaves requests alone
  std::uint64_t capacity;
  ConfPlace zone_at;
  ngx_str_t keys_path;
  ConfPlace keys_at;
  ngx_str_t secret_path;
  ConfPlace secret_at;
  const ngx_core_conf_t* core;  // complete only after the configuration phase
  MainOwned* owned;
  KeyTable* table;  // set when the zone is initialised

  bool enabled() const noexcept { return zone != nullptr; }
};

// location {} (agent_auth: server {} and http {} too).
struct LocationConf {
  ngx_flag_t auth;
  ConfPlace auth_at;
  ScopeSet scopes;  // 0: none asked for
  ConfPlace scopes_at;
  bool writes_errors;  // agent_error stands here

  // POST bodies hold a chat request here, so they are scanned for the model and the access rules
  // apply.
  bool scansBodies() const noexcept { return auth == 1 && scopes == scopeBit(Scope::Chat); }
};

MainConf& mainConf(const ngx_http_request_t* r) noexcept;
const LocationConf& locationConf(const ngx_http_request_t* r) noexcept;

}  // namespace agw
