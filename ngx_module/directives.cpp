#include "ngx_module/directives.h"

#include "ngx_module/conf_text.h"
#include "ngx_module/cors.h"
#include "ngx_module/error_reply.h"
#include "ngx_module/limit_directive.h"
#include "ngx_module/load.h"
#include "ngx_module/pool.h"
#include "ngx_module/proxy_check.h"
#include "ngx_module/status.h"
#include "ngx_module/str.h"

namespace agw {
namespace {

// agent_zone name:size keys=N
char* setZone(ngx_conf_t* cf, ngx_command_t*, void* data) noexcept {
  auto& conf = *static_cast<MainConf*>(data);
  if (conf.zone != nullptr) {
    return isDuplicate();
  }
  ngx_str_t* value = arguments(cf);
  const std::string_view zone = view(value[1]);
  const std::size_t colon = zone.find(':');
  ngx_str_t name = borrowed(zone.substr(0, colon));
  ngx_str_t size_text =
      borrowed(colon == std::string_view::npos ? std::string_view() : zone.substr(colon + 1));
  const ssize_t size = size_text.len == 0 ? NGX_ERROR : ngx_parse_size(&size_text);
  if (name.len == 0 || size == NGX_ERROR) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid zone \"%V\" in \"agent_zone\"; write name:size, as in agents:16m",
                       &value[1]);
    return confError();
  }
  constexpr std::string_view kKeys = "keys=";
  ngx_int_t keys = NGX_ERROR;
  if (view(value[2]).starts_with(kKeys)) {
    keys = ngx_atoi(value[2].data + kKeys.size(), value[2].len - kKeys.size());
  }
  if (keys == NGX_ERROR || keys == 0 || keys > static_cast<ngx_int_t>(KeyTable::kMaxKeys)) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\" in \"agent_zone\"; write keys=N with N from 1 to "
                       "%uL, the most keys "
                       "that the key file may ever hold",
                       &value[2], KeyTable::kMaxKeys);
    return confError();
  }
  conf.capacity = static_cast<std::uint64_t>(keys);
  const std::uint64_t needed = zoneBytesFor(conf.capacity);
  if (static_cast<std::uint64_t>(size) < needed) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"agent_zone\" size \"%V\" is too small for \"%V\": it takes at least %uLk",
                       &size_text, &value[2], (needed + 1023) / 1024);
    return confError();
  }
  // The tag is nginx's own symbol: that of the module is another after its file was replaced, and a
  // zone with another tag is made anew, empty.
  conf.zone = ngx_shared_memory_add(cf, &name, static_cast<std::size_t>(size), &ngx_http_module);
  if (conf.zone == nullptr) {
    return confError();
  }
  conf.zone->init = initZone;
  conf.zone->data = &conf;
  conf.zone_at = placeOf(cf);
  return NGX_CONF_OK;
}

char* setPath(ngx_conf_t* cf, ngx_str_t& path, ConfPlace& place) noexcept {
  if (path.len != 0) {
    return isDuplicate();
  }
  path = arguments(cf)[1];
  if (path.len == 0) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "empty file name in \"%V\"", &arguments(cf)[0]);
    return confError();
  }
  place = placeOf(cf);
  return ngx_conf_full_name(cf->cycle, &path, 1) == NGX_OK ? NGX_CONF_OK : confError();
}

char* setKeys(ngx_conf_t* cf, ngx_command_t*, void* data) noexcept {
  auto& conf = *static_cast<MainConf*>(data);
  ngx_str_t pool = ngx_string("agent");
  if (conf.thread_pool == nullptr) {
    conf.thread_pool = ngx_thread_pool_add(cf, &pool);
  }
  return conf.thread_pool == nullptr ? confError() : setPath(cf, conf.keys_path, conf.keys_at);
}

char* setEdgeSecret(ngx_conf_t* cf, ngx_command_t*, void* data) noexcept {
  auto& conf = *static_cast<MainConf*>(data);
  return setPath(cf, conf.secret_path, conf.secret_at);
}

char* setAuth(ngx_conf_t* cf, ngx_command_t* command, void* data) noexcept {
  static_cast<LocationConf*>(data)->auth_at = placeOf(cf);
  return ngx_conf_set_flag_slot(cf, command, data);
}

char* setScope(ngx_conf_t* cf, ngx_command_t*, void* data) noexcept {
  auto& conf = *static_cast<LocationConf*>(data);
  if (conf.scopes != 0) {
    return isDuplicate();
  }
  ngx_str_t* value = arguments(cf);
  for (ngx_uint_t i = 1; i < cf->args->nelts; ++i) {
    // A comma would make several scopes of one word; here they are words of their own.
    const auto scope = view(value[i]).find(',') == std::string_view::npos
                           ? parseScopes(view(value[i]))
                           : std::nullopt;
    if (!scope) {
      ngx_conf_log_error(
          NGX_LOG_EMERG, cf, 0,
          "unknown scope \"%V\" in \"agent_scope\"; write any of chat mcp runs admin", &value[i]);
      return confError();
    }
    if (conf.scopes & *scope) {
      ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "scope \"%V\" stands twice in \"agent_scope\"",
                         &value[i]);
      return confError();
    }
    conf.scopes |= *scope;
  }
  conf.scopes_at = placeOf(cf);
  return NGX_CONF_OK;
}

char* setError(ngx_conf_t* cf, ngx_command_t*, void* data) noexcept {
  static_cast<LocationConf*>(data)->writes_errors = true;
  auto* core = static_cast<ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  core->handler = writeErrorReply;
  // The limit is checked again when a refused request arrives here, and would turn a 401 into a
  // 413.
  if (core->client_max_body_size == NGX_CONF_UNSET) {
    core->client_max_body_size = 0;
  }
  return NGX_CONF_OK;
}

char* setMaxUploads(ngx_conf_t* cf, ngx_command_t*, void* data) noexcept {
  auto& conf = *static_cast<MainConf*>(data);
  if (conf.max_uploads != 0) {
    return isDuplicate();
  }
  ngx_str_t& value = arguments(cf)[1];
  const ngx_int_t count = ngx_atoi(value.data, value.len);
  if (count == NGX_ERROR || count == 0) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid value \"%V\" in \"agent_max_uploads\"; write a count of at least 1",
                       &value);
    return confError();
  }
  conf.max_uploads = static_cast<ngx_uint_t>(count);
  return NGX_CONF_OK;
}

// Of a key's max_run= too.
constexpr ngx_msec_t kLongestRun = ngx_msec_t{30} * 86'400 * 1000;

char* setMaxRun(ngx_conf_t* cf, ngx_command_t* command, void* data) noexcept {
  const ngx_msec_t& max_run = static_cast<LocationConf*>(data)->max_run;
  char* const problem = ngx_conf_set_msec_slot(cf, command, data);
  if (problem == NGX_CONF_OK && max_run > kLongestRun) {
    ngx_conf_log_error(
        NGX_LOG_EMERG, cf, 0,
        "invalid value \"%V\" in \"agent_max_run\"; write a time of up to 30d, as in "
        "600s, or 0 for none",
        &arguments(cf)[1]);
    return confError();
  }
  return problem;
}

// agent_status [prometheus | json]
char* setStatus(ngx_conf_t* cf, ngx_command_t*, void*) noexcept {
  const std::string_view form = cf->args->nelts > 1 ? view(arguments(cf)[1]) : "prometheus";
  if (form != "prometheus" && form != "json") {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "invalid parameter \"%V\" in \"agent_status\"; write prometheus or json",
                       &arguments(cf)[1]);
    return confError();
  }
  auto* core = static_cast<ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  core->handler = form == "json" ? writeJsonStatus : writePrometheusStatus;
  return NGX_CONF_OK;
}

constexpr ngx_uint_t kAnyLevel = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;

}  // namespace

ngx_command_t kDirectives[] = {
    {ngx_string("agent_zone"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE2, setZone,
     NGX_HTTP_MAIN_CONF_OFFSET, 0, nullptr},
    {ngx_string("agent_keys"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, setKeys,
     NGX_HTTP_MAIN_CONF_OFFSET, 0, nullptr},
    {ngx_string("agent_edge_secret"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, setEdgeSecret,
     NGX_HTTP_MAIN_CONF_OFFSET, 0, nullptr},
    {ngx_string("agent_auth"), kAnyLevel | NGX_CONF_FLAG, setAuth, NGX_HTTP_LOC_CONF_OFFSET,
     offsetof(LocationConf, auth), nullptr},
    {ngx_string("agent_scope"), NGX_HTTP_LOC_CONF | NGX_CONF_1MORE, setScope,
     NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("agent_limit"), kAnyLevel | NGX_CONF_1MORE, setLimit, NGX_HTTP_LOC_CONF_OFFSET, 0,
     nullptr},
    {ngx_string("agent_auth_limit"), kAnyLevel | NGX_CONF_TAKE12, setAuthLimit,
     NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("agent_max_uploads"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, setMaxUploads,
     NGX_HTTP_MAIN_CONF_OFFSET, 0, nullptr},
    {ngx_string("agent_cors"), kAnyLevel | NGX_CONF_1MORE, setCors, NGX_HTTP_LOC_CONF_OFFSET, 0,
     nullptr},
    {ngx_string("agent_max_run"), kAnyLevel | NGX_CONF_TAKE1, setMaxRun, NGX_HTTP_LOC_CONF_OFFSET,
     offsetof(LocationConf, max_run), nullptr},
    {ngx_string("agent_status"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS | NGX_CONF_TAKE1, setStatus,
     NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("agent_error"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS, setError,
     NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    ngx_null_command};

void* createMainConf(ngx_conf_t* cf) noexcept {
  auto* conf = static_cast<MainConf*>(ngx_pcalloc(cf->pool, sizeof(MainConf)));
  if (conf == nullptr) {
    return nullptr;
  }
  conf->owned = makeOwnedByPool<MainOwned>(cf->pool);
  return conf->owned != nullptr ? conf : nullptr;
}

char* initMainConf(ngx_conf_t* cf, void* data) noexcept {
  auto& conf = *static_cast<MainConf*>(data);
  conf.core =
      reinterpret_cast<const ngx_core_conf_t*>(ngx_get_conf(cf->cycle->conf_ctx, ngx_core_module));
  const auto missing = [cf](const char* directive, const char* needs, const ConfPlace& at) {
    ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "\"%s\" needs \"%s\" in http {}, in %V:%ui", directive,
                  needs, &at.file, at.line);
    return confError();
  };
  constexpr const char* kZoneForm = "agent_zone name:size keys=N";
  if (conf.keys_path.len != 0 && !conf.enabled()) {
    return missing("agent_keys", kZoneForm, conf.keys_at);
  }
  if (conf.keys_path.len != 0 && conf.secret_path.len == 0) {
    return missing("agent_keys", "agent_edge_secret file", conf.keys_at);
  }
  if (conf.secret_path.len != 0 && !conf.enabled()) {
    return missing("agent_edge_secret", kZoneForm, conf.secret_at);
  }
  if (conf.secret_path.len != 0 && !loadEdgeSecret(conf, cf->log)) {
    return confError();
  }
  if (conf.keys_path.len != 0 && !loadKeys(conf, cf->log)) {
    return confError();
  }
  return NGX_CONF_OK;
}

void* createLocationConf(ngx_conf_t* cf) noexcept {
  auto* conf = static_cast<LocationConf*>(ngx_pcalloc(cf->pool, sizeof(LocationConf)));
  if (conf != nullptr) {
    conf->auth = NGX_CONF_UNSET;
    conf->max_run = NGX_CONF_UNSET_MSEC;
  }
  return conf;
}

char* mergeLocationConf(ngx_conf_t* cf, void* parent, void* child) noexcept {
  const auto& previous = *static_cast<LocationConf*>(parent);
  auto& conf = *static_cast<LocationConf*>(child);
  const bool has_scope = conf.scopes != 0;
  if (has_scope && conf.auth == 0) {
    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"agent_auth off\" in %V:%ui contradicts \"agent_scope\" in %V:%ui",
                  &conf.auth_at.file, conf.auth_at.line, &conf.scopes_at.file, conf.scopes_at.line);
    return confError();
  }
  const bool is_stated = has_scope || conf.auth == 1;
  if (has_scope) {
    conf.auth = 1;
  }
  ngx_conf_merge_value(conf.auth, previous.auth, 0);
  if (!has_scope && conf.auth == 1) {
    conf.scopes = previous.scopes;
  }
  const auto& main =
      *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_agent_module));
  // `previous` is never merged itself at the http level, so "agent_auth on" there is seen through
  // its children.
  if (conf.auth == 1 && main.keys_path.len == 0) {
    const ConfPlace& at = has_scope ? conf.scopes_at : is_stated ? conf.auth_at : previous.auth_at;
    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "\"%s\" needs \"agent_keys file\" in http {}, in %V:%ui",
                  has_scope ? "agent_scope" : "agent_auth", &at.file, at.line);
    return confError();
  }
  ngx_conf_merge_msec_value(conf.max_run, previous.max_run, 0);
  if (conf.cors == nullptr) {
    conf.cors = previous.cors;
  }
  if (conf.auth_limit == nullptr) {
    conf.auth_limit = previous.auth_limit;
  }
  mergeLimits(previous, conf);
  if (has_scope) {
    checkProxy(cf, conf);
  }
  return NGX_CONF_OK;
}

}  // namespace agw
