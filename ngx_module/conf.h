// The configuration of the module, as nginx keeps it: plain structs in the configuration's pool.
#pragma once

#include <memory>
#include <optional>

#include "ngx_module/edge_memory.h"
#include "ngx_module/key_file.h"
#include "ngx_module/ngx.h"
#include "shared/edge_headers.h"
#include "shared/proof.h"

namespace agw {

// Where a directive stands, for messages of checks that can only run later.
struct ConfPlace {
  ngx_str_t file;
  ngx_uint_t line;
};

// agent_limit of one level, for one per=. Counts of 0: not given.
struct LimitSpec {
  bool is_off;
  bool dry_run;
  RateLimit requests;   // its burst is complete
  std::uint32_t burst;  // as given; also for keys that bring their own requests=
  RateLimit tokens;
  std::uint32_t streams;
  std::uint64_t place;  // 0: http {} or server {}; a location's limits count apart
  ConfPlace at;
  LimitPer per;
  // Whether some location can ever apply it, by LimitKind; and as a dry run of the keys' own.
  bool applies[kLimitKinds];
  bool applies_at_all;
  LimitSpec* next;  // of all in the configuration
};

// What needs a destructor; the configuration's pool runs it.
struct MainOwned {
  std::optional<ProofKey> signing_key;
  std::unique_ptr<KeyImage> image;  // from the configuration phase until it is published
  FileVersion image_version;
  std::uint64_t image_microseconds = 0;
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
  EdgeMemory* memory;   // set when the zone is initialised
  std::uint32_t epoch;  // of this configuration; see EdgeMemory
  ngx_thread_pool_t* thread_pool;
  LimitSpec* limits;       // all of them
  ngx_uint_t max_uploads;  // 0: no bound

  bool enabled() const noexcept { return zone != nullptr; }
};

// location {} (agent_auth: server {} and http {} too).
struct LocationConf {
  ngx_flag_t auth;
  ConfPlace auth_at;
  ScopeSet scopes;  // 0: none asked for
  ConfPlace scopes_at;
  bool writes_errors;     // agent_error stands here
  ngx_array_t* cors;      // of ngx_str_t: origins; empty: off; nullptr until it is merged: none
  ngx_msec_t max_run;     // 0: none
  RateLimit* auth_limit;  // of failures of one address; not set: none. nullptr until it is merged
  LimitSpec* limits[kLimitPers];  // nullptr: none

  // POST bodies hold a chat request here, so they are scanned for the model and the access rules
  // apply.
  bool scansBodies() const noexcept { return auth == 1 && scopes == scopeBit(Scope::Chat); }
};

MainConf& mainConf(const ngx_http_request_t* r) noexcept;
const LocationConf& locationConf(const ngx_http_request_t* r) noexcept;

}  // namespace agw
