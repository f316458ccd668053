#include "ngx_module/access.h"

#include <optional>
#include <string_view>

#include "ngx_module/body_filter.h"
#include "ngx_module/client_address.h"
#include "ngx_module/conf.h"
#include "ngx_module/cors.h"
#include "ngx_module/identity.h"
#include "ngx_module/key_table.h"
#include "ngx_module/limits.h"
#include "ngx_module/pool.h"
#include "ngx_module/refused_body.h"
#include "ngx_module/request_context.h"
#include "ngx_module/request_headers.h"
#include "ngx_module/str.h"
#include "ngx_module/uploads.h"
#include "ngx_module/worker.h"
#include "shared/access_rules.h"
#include "shared/api_key.h"

namespace agw {
namespace {

constexpr std::string_view kNoKey =
    "No API key was sent. Send it as \"Authorization: Bearer <key>\" or as \"x-api-key: <key>\".";
constexpr std::string_view kAmbiguousKey =
    "Several credentials were sent. Send one API key, as \"Authorization: Bearer <key>\" or as "
    "\"x-api-key: <key>\".";
constexpr std::string_view kNotBearer = "The Authorization header must be \"Bearer <key>\".";
constexpr std::string_view kWrongKey = "The API key is not valid.";
constexpr std::string_view kExpiredKey = "The API key has expired.";
constexpr std::string_view kNotLoaded = "The gateway has not loaded its API keys yet. Try again.";
constexpr std::string_view kNotGranted =
    "The API key is not granted a scope that this address needs.";
constexpr std::string_view kForbiddenOrigin = "Web pages of this origin may not use the gateway.";
constexpr std::string_view kTooManyFailures =
    "Too many requests of this address had no valid API key. Try again later.";
constexpr std::string_view kTooManyUploads =
    "The gateway is receiving as many request bodies as it can. Try again.";
constexpr std::string_view kEncoded =
    "A request body must not be compressed: send it without Content-Encoding.";

ngx_int_t statusOf(const Refusal& refusal) noexcept { return errorEntry(refusal.code).status; }

// The status goes through nginx's error_page to the one place that writes errors.
ngx_int_t refuse(ngx_http_request_t* r, RequestContext& context, const Refusal& refusal) noexcept {
  context.refusal = refusal;
  forgoLimits(context);
  if (context.body_state == BodyState::NotRead) {
    // No "100 Continue" for a body that nobody wants.
    r->expect_tested = 1;
  }
  return statusOf(*context.refusal);
}

ngx_int_t refuse(ngx_http_request_t* r, RequestContext& context, ErrorCode code,
                 std::string_view message, std::string_view param = {}) noexcept {
  return refuse(r, context, Refusal{code, message, param});
}

std::string_view trim(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

struct Credential {
  std::string_view key;
  std::string_view problem;  // empty: `key` is what the client sent
};

Credential credentialOf(ngx_http_request_t* r) noexcept {
  std::string_view bearer;
  std::string_view api_key;
  int bearers = 0;
  int api_keys = 0;
  forEachHeader(r->headers_in.headers, [&](const ngx_table_elt_t& header) {
    if (isHeaderName(view(header.key), "authorization")) {
      bearer = view(header.value);
      ++bearers;
    } else if (isHeaderName(view(header.key), "x-api-key")) {
      api_key = trim(view(header.value));
      ++api_keys;
    }
  });
  if (bearers == 0 && api_keys == 0) {
    return {{}, kNoKey};
  }
  if (bearers > 1 || api_keys > 1) {
    return {{}, kAmbiguousKey};
  }
  if (bearers == 1) {
    constexpr std::string_view kScheme = "bearer ";
    if (bearer.size() <= kScheme.size() ||
        !isHeaderName(bearer.substr(0, kScheme.size()), kScheme)) {
      return {{}, kNotBearer};
    }
    bearer = trim(bearer.substr(kScheme.size()));
    if (api_keys == 1 && bearer != api_key) {
      return {{}, kAmbiguousKey};
    }
    return {bearer, {}};
  }
  return {api_key, {}};
}

// A request without a usable key. An address that had too many of them hears so instead; its good
// keys pass as ever.
ngx_int_t refuseKey(ngx_http_request_t* r, RequestContext& context, Counter counter, ErrorCode code,
                    std::string_view message) noexcept {
  thisWorker().count(counter);
  const RateLimit* limit = locationConf(r).auth_limit;
  if (limit != nullptr && limit->isSet()) {
    EdgeMemory& memory = *mainConf(r).memory;
    const LimitIdentity address = clientAddress(r, memory.limitSecret());
    const Nanoseconds wait = memory.addresses.noteFailure(address, *limit, monotonicNow());
    if (wait != 0) {
      thisWorker().count(Counter::AddressLimited);
      return refuse(r, context, {ErrorCode::RateLimitExceeded, kTooManyFailures, {}, wait});
    }
  }
  return refuse(r, context, code, message);
}

// NGX_OK, with the key in the context; otherwise what to return.
ngx_int_t authenticate(ngx_http_request_t* r, RequestContext& context) noexcept {
  const Credential credential = credentialOf(r);
  if (!credential.problem.empty()) {
    const bool is_missing = credential.problem == kNoKey;
    return refuseKey(r, context, is_missing ? Counter::KeyMissing : Counter::KeyMalformed,
                     ErrorCode::InvalidApiKey, credential.problem);
  }
  if (credential.key.empty() || credential.key.size() > kMaxKeySecret) {
    return refuseKey(r, context, Counter::KeyUnknown, ErrorCode::InvalidApiKey, kWrongKey);
  }
  const MainConf& conf = mainConf(r);
  FoundKey found;
  switch (conf.memory->keys().find(hashKeySecret(credential.key), found)) {
    case KeyLookup::NotLoaded:
      thisWorker().count(Counter::KeysNotLoaded);
      return refuse(r, context, ErrorCode::KeysNotLoaded, kNotLoaded);
    case KeyLookup::Unknown:
      return refuseKey(r, context, Counter::KeyUnknown, ErrorCode::InvalidApiKey, kWrongKey);
    case KeyLookup::Found:
      break;
  }
  if (found.expires_unix != 0 && ngx_time() >= static_cast<time_t>(found.expires_unix)) {
    return refuseKey(r, context, Counter::KeyExpired, ErrorCode::KeyExpired, kExpiredKey);
  }
  context.key_id = copyToPool(r->pool, found.id());
  context.grants = copyToPool(r->pool, found.grants());
  if (context.key_id.data() == nullptr || context.grants.data() == nullptr) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  const auto grants = parseGrants(context.grants);
  if (!grants) {
    ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                  "agent_keys: broken rules of a key in shared memory");
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  context.allow = grants->allow;
  context.deny = grants->deny;
  context.scopes = found.scopes;
  context.key_limits = found.limits;
  context.key_state = KeyState::Accepted;
  return NGX_OK;
}

bool isEncoded(ngx_http_request_t* r) noexcept {
  bool is_encoded = false;
  forEachHeader(r->headers_in.headers, [&](const ngx_table_elt_t& header) {
    is_encoded = is_encoded || (isHeaderName(view(header.key), "content-encoding") &&
                                !isHeaderName(trim(view(header.value)), "identity"));
  });
  return is_encoded;
}

// The complete body: the scanner's verdict and the access rules for the model.
ngx_int_t judgeBody(ngx_http_request_t* r, RequestContext& context) noexcept {
  if (context.scan_status == ScanStatus::InProgress) {
    context.scan_status = context.scanner->finish();
  }
  if (context.scan_status == ScanStatus::Done) {
    const auto model = canonicalModelId(context.scanner->model());
    if (model) {
      context.model = *model;
      context.is_model_known = true;
    } else {
      context.scan_status = ScanStatus::ModelInvalid;
    }
  }
  if (context.scan_status != ScanStatus::Done) {
    const bool is_scanners = context.scan_status != ScanStatus::ModelInvalid;
    const ScanErrorInfo& error =
        is_scanners ? context.scanner->error() : scanError(context.scan_status);
    thisWorker().count(Counter::BodyRefused);
    return refuse(r, context, error.code, error.message, error.param);
  }
  const AccessRules rules{.allow = context.allow, .deny = context.deny};
  if (evaluateAccess(rules, context.model.view()) == Access::Allowed) {
    return NGX_OK;
  }
  thisWorker().count(Counter::AgentDenied);
  // Says the same whether or not there is such an agent.
  constexpr std::string_view kFormat = "This API key may not use the agent \"%*s\".";
  const std::string_view asked = context.scanner->model();
  auto* text = static_cast<u_char*>(ngx_pnalloc(r->pool, kFormat.size() + asked.size()));
  if (text == nullptr) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  u_char* end = ngx_sprintf(text, kFormat.data(), asked.size(), asked.data());
  return refuse(r, context, ErrorCode::AgentNotAllowed, view(text, end), "model");
}

ngx_int_t scanAndJudge(ngx_http_request_t* r, RequestContext& context) noexcept {
  if (context.body_state == BodyState::NotRead) {
    if (isEncoded(r)) {
      return refuse(r, context, ErrorCode::UnsupportedMediaType, kEncoded);
    }
    if (!beginUpload(r, context)) {
      thisWorker().count(Counter::UploadsFull);
      return refuse(r, context, ErrorCode::Overloaded, kTooManyUploads);
    }
    context.scanner = makeInPool<BodyScanner>(r->pool);
    if (context.scanner == nullptr) {
      return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    const ngx_int_t rc = readBody(r, context);
    if (rc != NGX_OK) {
      return rc;
    }
  }
  if (context.scanner == nullptr) {
    // Read before this location was reached, by something that did not scan it.
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "agent_scope: the request body was read before it could be scanned");
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  return context.is_model_known ? NGX_OK : judgeBody(r, context);
}

using Limit = ngx_int_t (*)(ngx_http_request_t*, RequestContext&, const LocationConf&,
                            Refusal&) noexcept;

ngx_int_t applyLimits(ngx_http_request_t* r, RequestContext& context, const LocationConf& location,
                      Limit limit) noexcept {
  Refusal refusal{};
  const ngx_int_t rc = limit(r, context, location, refusal);
  if (rc == NGX_DECLINED) {
    return refuse(r, context, refusal);
  }
  return rc == NGX_OK ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
}

// A small body has mostly come with its headers: then all limits are judged at once. If it has not,
// the first of them are judged while it comes.
bool isReadFirst(const ngx_http_request_t* r, const RequestContext& context) noexcept {
  constexpr off_t kSmall = 16 * 1024;
  return context.body_state == BodyState::NotRead && r->stream == nullptr &&
         r->headers_in.content_length_n > 0 && r->headers_in.content_length_n <= kSmall &&
         r->headers_in.expect == nullptr;
}

// The body is read or refused, and the request was not judged before.
ngx_int_t judgeRequestLate(ngx_http_request_t* r, RequestContext& context,
                           const LocationConf& location, ngx_int_t rc) noexcept {
  const std::optional<Refusal> first = context.refusal;
  if (rc != NGX_DONE && !first) {
    return rc;
  }
  const ngx_int_t limited = applyLimits(r, context, location, limitRequest);
  if (rc == NGX_DONE) {
    return rc;  // a refusal is said when the body is there
  }
  return limited == NGX_OK ? refuse(r, context, *first) : limited;
}

ngx_int_t admitChat(ngx_http_request_t* r, RequestContext& context,
                    const LocationConf& location) noexcept {
  ngx_int_t rc = scanAndJudge(r, context);
  if (rc != NGX_OK && !isRequestJudged(context)) {
    return judgeRequestLate(r, context, location, rc);
  }
  if (rc == NGX_OK) {
    rc = applyLimits(r, context, location, limitRun);
  }
  if (rc == NGX_OK && !context.is_chat_open && !context.is_settled) {
    context.is_chat_open = true;
    thisWorker().count(Counter::ChatsBegun);
  }
  return rc;
}

// A key can only shorten what the location allows.
ngx_msec_t longestRun(const LocationConf& location, const KeyLimits& key) noexcept {
  const ngx_msec_t own = ngx_msec_t{key.max_run} * 1000;
  if (own == 0 || location.max_run == 0) {
    return own + location.max_run;
  }
  return ngx_min(own, location.max_run);
}

// NGX_OK: the request may go on, signed. NGX_DECLINED: the same, where nobody asked who it is from.
ngx_int_t decide(ngx_http_request_t* r, RequestContext& context,
                 const LocationConf& location) noexcept {
  if (location.auth == 1) {
    if (context.refusal) {
      return statusOf(*context.refusal);
    }
    if (context.key_state != KeyState::Accepted) {
      const ngx_int_t rc = authenticate(r, context);
      if (rc != NGX_OK) {
        return rc;
      }
    }
    if (location.scopes != 0 && (context.scopes & location.scopes) == 0) {
      thisWorker().count(Counter::ScopeDenied);
      return refuse(r, context, ErrorCode::ScopeNotGranted, kNotGranted);
    }
    if (context.admitted_at == 0) {
      context.admitted_at = ngx_current_msec;
      context.max_run = longestRun(location, context.key_limits);
    }
    const bool is_chat = location.scansBodies() && r->method == NGX_HTTP_POST;
    if (!(is_chat && isReadFirst(r, context))) {
      const ngx_int_t limited = applyLimits(r, context, location, limitRequest);
      if (limited != NGX_OK) {
        return limited;
      }
    }
    if (is_chat) {
      const ngx_int_t rc = admitChat(r, context, location);
      if (rc != NGX_OK) {
        return rc;
      }
    }
  }
  if (!signRequest(r, context)) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  return location.auth == 1 ? NGX_OK : NGX_DECLINED;
}

}  // namespace

// Runs again after the body was read, and after internal redirects: each step knows whether it was
// done.
ngx_int_t onAccess(ngx_http_request_t* r) noexcept {
  const LocationConf& location = locationConf(r);
  if (r != r->main || !mainConf(r).enabled()) {
    return NGX_DECLINED;
  }
  if (location.writes_errors) {
    return readRefusedBody(r);
  }
  RequestContext* context = ensureContext(r);
  if (context == nullptr) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  switch (context->is_cors_judged ? Cors::None : judgeCors(r, *context)) {
    case Cors::Preflight:
      return NGX_HTTP_NO_CONTENT;
    case Cors::Forbidden:
      return refuse(r, *context, ErrorCode::Forbidden, kForbiddenOrigin);
    case Cors::None:
      break;
  }
  const ngx_int_t rc = decide(r, *context, location);
  const auto* core =
      static_cast<ngx_http_core_loc_conf_t*>(ngx_http_get_module_loc_conf(r, ngx_http_core_module));
  if (rc >= NGX_HTTP_SPECIAL_RESPONSE && core->satisfy == NGX_HTTP_SATISFY_ANY) {
    // "satisfy any" would let an address rule stand in for the key, and the executor would get an
    // unsigned request.
    ngx_http_finalize_request(r, rc);
    return NGX_DONE;
  }
  return rc;
}

}  // namespace agw
