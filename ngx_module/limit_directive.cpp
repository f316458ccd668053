#include "ngx_module/limit_directive.h"

#include <functional>
#include <limits>
#include <string_view>

#include "ngx_module/conf_text.h"
#include "ngx_module/str.h"
#include "shared/quantity.h"

namespace agw {
namespace {

// Returns what to write instead when the value is bad, else nullptr.
using SetParameter = const char* (*)(LimitSpec& spec, std::string_view value) noexcept;

const char* setRate(RateLimit& limit, std::string_view value, const char* advice) noexcept {
  const auto rate = parseRate(value);
  if (!rate) {
    return advice;
  }
  limit = {.count = rate->count, .window_seconds = rate->window_seconds, .burst = rate->count};
  return nullptr;
}

const char* setSmall(std::uint32_t& number, std::string_view value, const char* advice) noexcept {
  const auto count = parseCount(value);
  if (!count || *count > std::numeric_limits<std::uint32_t>::max()) {
    return advice;
  }
  number = static_cast<std::uint32_t>(*count);
  return nullptr;
}

const char* setRequests(LimitSpec& spec, std::string_view value) noexcept {
  return setRate(spec.requests, value,
                 "write requests=COUNT/WINDOW with a window of s, m, h or d, as in requests=60/m");
}
const char* setTokens(LimitSpec& spec, std::string_view value) noexcept {
  return setRate(spec.tokens, value,
                 "write tokens=COUNT/WINDOW with a window of s, m, h or d, as in tokens=100k/m");
}
const char* setBurst(LimitSpec& spec, std::string_view value) noexcept {
  return setSmall(spec.burst, value, "write burst=COUNT with a count of at least 1");
}
const char* setStreams(LimitSpec& spec, std::string_view value) noexcept {
  return setSmall(spec.streams, value, "write streams=COUNT with a count of at least 1");
}
const char* setPer(LimitSpec& spec, std::string_view value) noexcept {
  if (value == "key") {
    spec.per = LimitPer::Key;
  } else if (value == "user") {
    spec.per = LimitPer::User;
  } else if (value == "agent") {
    spec.per = LimitPer::Agent;
  } else {
    return "write per=key, per=user or per=agent";
  }
  return nullptr;
}
const char* setMode(LimitSpec&, std::string_view value) noexcept {
  if (value == "local") {
    return nullptr;
  }
  return value == "sync" || value == "strict"
             ? "limits of several edges together need Redis, which this version does not use; "
               "write mode=local or leave it out"
             : "write mode=local or leave it out";
}

struct Parameter {
  std::string_view name;  // with "="
  SetParameter set;
};
constexpr Parameter kParameters[] = {
    {"requests=", setRequests}, {"burst=", setBurst}, {"tokens=", setTokens},
    {"streams=", setStreams},   {"per=", setPer},     {"mode=", setMode},
};

bool isNumbered(const LimitSpec& spec) noexcept {
  return spec.requests.isSet() || spec.tokens.isSet() || spec.streams != 0 || spec.burst != 0;
}

char* complain(ngx_conf_t* cf, const char* text) noexcept {
  ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"agent_limit\": %s", text);
  return confError();
}

char* setWord(ngx_conf_t* cf, LimitSpec& spec, ngx_str_t& word, unsigned& seen) noexcept {
  const std::string_view text = view(word);
  unsigned bit = 1;
  for (const Parameter& parameter : kParameters) {
    if (text.starts_with(parameter.name)) {
      if ((seen & bit) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "parameter \"%V\" stands twice in \"agent_limit\"",
                           &word);
        return confError();
      }
      seen |= bit;
      const char* advice = parameter.set(spec, text.substr(parameter.name.size()));
      if (advice != nullptr) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\" in \"agent_limit\"; %s",
                           &word, advice);
        return confError();
      }
      return NGX_CONF_OK;
    }
    bit <<= 1;
  }
  if (text == "dry_run") {
    spec.dry_run = true;
  } else if (text == "off") {
    spec.is_off = true;
  } else {
    const char* const what =
        text.starts_with("on_redis_error=")
            ? "Redis is not used by this version"
            : "write requests=, burst=, tokens=, streams=, per=, dry_run or off";
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "unknown parameter \"%V\" in \"agent_limit\"; %s",
                       &word, what);
    return confError();
  }
  return NGX_CONF_OK;
}

// A location's limits count apart from those of others, by its name, so that they last over a
// reload.
std::uint64_t placeFor(ngx_conf_t* cf) noexcept {
  if ((cf->cmd_type & NGX_HTTP_LOC_CONF) == 0) {
    return 0;
  }
  const auto* core = static_cast<ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  std::uint64_t hash = 0xCBF29CE484222325ULL;  // FNV-1a
  for (const char c : view(core->name)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  }
  return hash | 1;
}

// What a merged location can apply of a limit.
void noteUse(const LocationConf& conf, LimitSpec& spec) noexcept {
  const bool has_body = conf.scansBodies();
  const bool has_party = spec.per == LimitPer::Key ? conf.auth == 1 : has_body;
  spec.applies_at_all = spec.applies_at_all || has_party;
  const auto note = [&spec](LimitKind kind, bool applies) {
    bool& known = spec.applies[static_cast<std::size_t>(kind)];
    known = known || applies;
  };
  note(LimitKind::Requests, has_party);
  note(LimitKind::Tokens, has_body);
  note(LimitKind::Streams, has_body);
}

bool complainUnused(ngx_conf_t* cf, const LimitSpec& spec, const char* what,
                    const char* needs) noexcept {
  ngx_log_error(
      NGX_LOG_EMERG, cf->log, 0,
      "\"agent_limit\": %s can never apply: no location that it reaches has %s, in %V:%ui", what,
      needs, &spec.at.file, spec.at.line);
  return false;
}

bool checkLimit(ngx_conf_t* cf, const LimitSpec& spec) noexcept {
  constexpr const char* kChat = "\"agent_scope chat\"";
  constexpr const char* kKey = "\"agent_auth on\" or \"agent_scope\"";
  const auto unused = [&spec](LimitKind kind) {
    return !spec.applies[static_cast<std::size_t>(kind)];
  };
  if (spec.is_off) {
    return true;
  }
  if (spec.per == LimitPer::User && !spec.applies_at_all) {
    return complainUnused(cf, spec, "per=user", kChat);
  }
  if (spec.per == LimitPer::Agent && !spec.applies_at_all) {
    return complainUnused(cf, spec, "per=agent", kChat);
  }
  if (spec.tokens.isSet() && unused(LimitKind::Tokens)) {
    return complainUnused(cf, spec, "tokens=", kChat);
  }
  if (spec.streams != 0 && unused(LimitKind::Streams)) {
    return complainUnused(cf, spec, "streams=", kChat);
  }
  if (spec.requests.isSet() && unused(LimitKind::Requests)) {
    return complainUnused(cf, spec, "requests=", kKey);
  }
  if (!spec.applies_at_all) {
    return complainUnused(cf, spec, "dry_run", kKey);
  }
  return true;
}

}  // namespace

char* setLimit(ngx_conf_t* cf, ngx_command_t*, void* data) noexcept {
  auto& conf = *static_cast<LocationConf*>(data);
  auto& main =
      *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_agent_module));
  auto* spec = static_cast<LimitSpec*>(ngx_pcalloc(cf->pool, sizeof(LimitSpec)));
  if (spec == nullptr) {
    return confError();
  }
  unsigned seen = 0;
  for (ngx_uint_t i = 1; i < cf->args->nelts; ++i) {
    if (setWord(cf, *spec, arguments(cf)[i], seen) != NGX_CONF_OK) {
      return confError();
    }
  }
  if (spec->is_off && (isNumbered(*spec) || spec->dry_run)) {
    return complain(cf, "off stands with nothing but per=");
  }
  if (spec->burst != 0 && !spec->requests.isSet()) {
    return complain(cf, "burst= needs requests= beside it");
  }
  if (!spec->is_off && !isNumbered(*spec) && !(spec->dry_run && spec->per == LimitPer::Key)) {
    return complain(cf, "limits nothing; write requests=, tokens= or streams=");
  }
  if (spec->burst != 0) {
    spec->requests.burst = spec->burst;
  }
  LimitSpec*& place = conf.limits[static_cast<std::size_t>(spec->per)];
  if (place != nullptr) {
    return complain(cf, "stands twice at this level for the same per=");
  }
  spec->at = placeOf(cf);
  spec->place = placeFor(cf);
  spec->next = main.limits;
  main.limits = spec;
  place = spec;
  return NGX_CONF_OK;
}

char* setAuthLimit(ngx_conf_t* cf, ngx_command_t*, void* data) noexcept {
  auto& conf = *static_cast<LocationConf*>(data);
  if (conf.auth_limit != nullptr) {
    return isDuplicate();
  }
  auto* limit = static_cast<RateLimit*>(ngx_pcalloc(cf->pool, sizeof(RateLimit)));
  if (limit == nullptr) {
    return confError();
  }
  conf.auth_limit = limit;
  ngx_str_t* const value = arguments(cf);
  if (cf->args->nelts == 2 && view(value[1]) == "off") {
    return NGX_CONF_OK;
  }
  std::uint32_t burst = 0;
  constexpr std::string_view kBurst = "burst=";
  ngx_str_t* wrong = nullptr;
  const char* advice =
      setRate(*limit, view(value[1]), "write COUNT/WINDOW, as in 10/m, and burst=COUNT, or off");
  if (advice != nullptr) {
    wrong = &value[1];
  } else if (cf->args->nelts > 2) {
    const bool is_burst = view(value[2]).starts_with(kBurst);
    advice = is_burst ? setSmall(burst, view(value[2]).substr(kBurst.size()),
                                 "write burst=COUNT with a count of at least 1")
                      : "write burst=COUNT";
    wrong = advice != nullptr ? &value[2] : nullptr;
  }
  if (wrong != nullptr) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\" in \"agent_auth_limit\"; %s",
                       wrong, advice);
    return confError();
  }
  if (burst != 0) {
    limit->burst = burst;
  }
  return NGX_CONF_OK;
}

void mergeLimits(const LocationConf& outer, LocationConf& conf) noexcept {
  for (std::size_t i = 0; i < kLimitPers; ++i) {
    if (conf.limits[i] == nullptr) {
      conf.limits[i] = outer.limits[i];
    }
    if (conf.limits[i] != nullptr) {
      noteUse(conf, *conf.limits[i]);
    }
  }
}

bool checkLimits(ngx_conf_t* cf) noexcept {
  const auto& main =
      *static_cast<MainConf*>(ngx_http_conf_get_module_main_conf(cf, ngx_http_agent_module));
  for (const LimitSpec* spec = main.limits; spec != nullptr; spec = spec->next) {
    if (!checkLimit(cf, *spec)) {
      return false;
    }
  }
  return true;
}

}  // namespace agw
