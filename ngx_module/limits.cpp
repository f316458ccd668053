#include "ngx_module/limits.h"

#include <algorithm>

#include "ngx_module/error_map.h"
#include "ngx_module/limit_identity.h"
#include "ngx_module/limit_text.h"
#include "ngx_module/pool.h"
#include "ngx_module/sse_filter.h"
#include "ngx_module/str.h"
#include "ngx_module/worker.h"
#include "shared/quantity.h"

namespace agw {
namespace {

constexpr std::uint64_t kBytesPerToken = 4;  // of a prompt, about

// What the key's own line says, on top of the location's.
struct KeyLimitsInForce {
  RateLimit requests;
  std::uint64_t requests_place = 0;
  RateLimit tokens;
  std::uint64_t tokens_place = 0;
  std::uint32_t streams = 0;
  std::uint64_t streams_place = 0;
  bool dry_run = false;
};

KeyLimitsInForce keyLimits(const KeyLimits& own, const LimitSpec* spec) noexcept {
  KeyLimitsInForce force;
  if (spec != nullptr && !spec->is_off) {
    force = {.requests = spec->requests,
             .requests_place = spec->place,
             .tokens = spec->tokens,
             .tokens_place = spec->place,
             .streams = spec->streams,
             .streams_place = spec->place,
             .dry_run = spec->dry_run};
  }
  if (own.requests != 0) {
    force.requests = {own.requests, own.requests_window, own.requests};
    force.requests_place = 0;
  }
  if (own.burst != 0 && force.requests.isSet()) {
    force.requests.burst = own.burst;
  }
  if (own.tokens != 0) {
    force.tokens = {own.tokens, own.tokens_window, own.tokens};
    force.tokens_place = 0;
  }
  if (own.streams != 0) {
    force.streams = own.streams;
    force.streams_place = 0;
  }
  return force;
}

// The claims of one step, on the stack.
class Claims {
 public:
  // The claim of this party, which is made when it is not there yet.
  LimitClaim& of(LimitPer per, std::uint64_t place, std::string_view key_id, std::string_view name,
                 bool dry_run) noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
      if (claims_[i].per == per && places_[i] == place) {
        return claims_[i];
      }
    }
    LimitClaim& claim = claims_[count_];
    claim = LimitClaim{};
    claim.who = limitIdentity(thisWorker().memory->limitSecret(), per, place, key_id, name);
    claim.per = per;
    claim.dry_run = dry_run;
    places_[count_++] = place;
    return claim;
  }
  std::span<LimitClaim> all() noexcept { return {claims_.data(), count_}; }
  bool empty() const noexcept { return count_ == 0; }

 private:
  std::array<LimitClaim, LimitStore::kMaxClaims> claims_;
  std::array<std::uint64_t, LimitStore::kMaxClaims> places_{};
  std::size_t count_ = 0;
};

RequestLimits* ensureLimits(ngx_http_request_t* r, RequestContext& context) noexcept {
  if (context.limits == nullptr) {
    context.limits = makeInPool<RequestLimits>(r->pool);
  }
  return context.limits;
}

void showTightest(ShownLimit& shown, const RateLimit& limit, const GcraView& view) noexcept {
  if (limit.isSet() && (shown.limit == 0 || view.remaining < shown.remaining)) {
    shown = {limit.count, view.remaining, view.reset_after};
  }
}

// What the store said, for the response, the counters and the log.
void note(RequestLimits& limits, std::span<const LimitClaim> claims,
          const LimitOutcome& outcome) noexcept {
  for (const LimitClaim& claim : claims) {
    if (!claim.dry_run) {
      showTightest(limits.requests, claim.requests, claim.requests_view);
      showTightest(limits.tokens, claim.tokens, claim.tokens_view);
    }
  }
  const bool is_refused = outcome.verdict == LimitVerdict::Refused;
  if (!is_refused && !outcome.would_refuse) {
    return;
  }
  if (is_refused) {
    // Nothing was charged, so the views of the others tell of what did not happen.
    const LimitClaim& refusing = claims[outcome.claim];
    if (outcome.kind == LimitKind::Requests) {
      limits.requests = {};
      showTightest(limits.requests, refusing.requests, refusing.requests_view);
    } else if (outcome.kind == LimitKind::Tokens) {
      limits.tokens = {};
      showTightest(limits.tokens, refusing.tokens, refusing.tokens_view);
    }
  }
  limits.has_refused = true;
  limits.is_dry_run = !is_refused;
  limits.refused_per = claims[outcome.claim].per;
  limits.refused_kind = outcome.kind;
  thisWorker().count(limitCounter(is_refused ? Counter::Limited : Counter::DryRun,
                                  limits.refused_per, limits.refused_kind));
}

ngx_int_t admit(ngx_http_request_t* r, RequestContext& context, Claims& claims,
                std::uint64_t known_tokens, bool is_output_known, bool RequestLimits::*is_judged,
                Refusal& refusal) noexcept {
  if (claims.empty()) {
    return NGX_OK;
  }
  Worker& worker = thisWorker();
  RequestLimits* limits = ensureLimits(r, context);
  if (limits == nullptr) {
    return NGX_ERROR;
  }
  limits->*is_judged = true;
  LimitOutcome outcome{.verdict = LimitVerdict::Full};
  std::uint64_t tokens = known_tokens;
  if (worker.record != kNoIndex) {
    LimitStore& store = worker.memory->limits();
    LimitSection section(store, worker.lock, static_cast<std::uint32_t>(ngx_pid));
    if (!is_output_known) {
      for (const LimitClaim& claim : claims.all()) {
        if (claim.tokens.isSet()) {
          tokens += store.meanCompletion(claim.who);
          break;
        }
      }
    }
    outcome = store.admit(claims.all(), tokens, monotonicNow(), worker.record, limits->entry);
  }
  if (outcome.verdict == LimitVerdict::Full) {
    worker.count(Counter::LimitsFull);
    refusal = {ErrorCode::Overloaded, "The gateway is at its capacity limit. Try again."};
    return NGX_DECLINED;
  }
  note(*limits, claims.all(), outcome);
  if (outcome.verdict == LimitVerdict::Admitted) {
    return NGX_OK;
  }
  const std::string_view text =
      refusalText(r->pool, claims.all()[outcome.claim], outcome, tokens, context.model.view());
  if (text.empty()) {
    return NGX_ERROR;
  }
  // Nobody knows when a stream ends.
  const Nanoseconds wait = outcome.kind == LimitKind::Streams
                               ? kUnknownWait
                               : std::max<Nanoseconds>(1, outcome.retry_after);
  refusal = {ErrorCode::RateLimitExceeded, text, {}, wait};
  return NGX_DECLINED;
}

// Adds what an agent_limit per user or agent asks for.
void claimFor(Claims& claims, const LimitSpec* spec, std::string_view key_id,
              std::string_view name) noexcept {
  if (spec == nullptr || spec->is_off) {
    return;
  }
  LimitClaim& claim = claims.of(spec->per, spec->place, key_id, name, spec->dry_run);
  claim.requests = spec->requests;
  claim.tokens = spec->tokens;
  claim.streams = spec->streams;
}

// What is judged of every request: how often, and for chats how many at once.
void claimForRequest(Claims& claims, const KeyLimitsInForce& force, std::string_view key_id,
                     bool is_chat) noexcept {
  if (force.requests.isSet()) {
    claims.of(LimitPer::Key, force.requests_place, key_id, {}, force.dry_run).requests =
        force.requests;
  }
  if (force.streams != 0 && is_chat) {
    claims.of(LimitPer::Key, force.streams_place, key_id, {}, force.dry_run).streams =
        force.streams;
  }
}

bool isOfRequest(const RequestLimits& limits) noexcept {
  return limits.refused_per == LimitPer::Key && limits.refused_kind != LimitKind::Tokens;
}

bool isChat(const ngx_http_request_t* r, const LocationConf& location) noexcept {
  return location.scansBodies() && r->method == NGX_HTTP_POST;
}

const LimitSpec* specOf(const LocationConf& location, LimitPer per) noexcept {
  return location.limits[static_cast<std::size_t>(per)];
}

// Whether the request may have used tokens although nothing tells of it. An answer of the executor
// that is an error used none, and what never reached an executor neither.
bool mayHaveRun(const ngx_http_request_t* r, const RequestContext& context) noexcept {
  const bool is_answered =
      r->upstream != nullptr && r->upstream->headers_in.status_n != 0 && !context.error_code;
  // While an answer comes in, nginx has not noted yet how much it sent.
  const bool has_begun =
      is_answered ? r->headers_out.status < NGX_HTTP_BAD_REQUEST : wasSentToExecutor(r);
  return has_begun && !context.refusal;
}

std::uint64_t tokenCount(std::int64_t tokens) noexcept {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(tokens, 0));
}

void countUsage(const Usage& usage) noexcept {
  thisWorker().count(Counter::PromptTokens, tokenCount(usage.prompt_tokens));
  thisWorker().count(Counter::CompletionTokens, tokenCount(usage.completion_tokens));
  thisWorker().count(Counter::TotalTokens, tokenCount(usage.total_tokens));
}

void closeEntry(RequestLimits& limits, const LimitCharge& charge) noexcept {
  Worker& worker = thisWorker();
  LimitStore& store = worker.memory->limits();
  LimitSection section(store, worker.lock, static_cast<std::uint32_t>(ngx_pid));
  store.close(limits.entry, charge, monotonicNow());
  limits.entry = kNoIndex;
}

}  // namespace

ngx_int_t limitRequest(ngx_http_request_t* r, RequestContext& context, const LocationConf& location,
                       Refusal& refusal) noexcept {
  if (isRequestJudged(context)) {
    return NGX_OK;
  }
  Claims claims;
  claimForRequest(claims, keyLimits(context.key_limits, specOf(location, LimitPer::Key)),
                  context.key_id, isChat(r, location));
  return admit(r, context, claims, 0, true, &RequestLimits::is_request_judged, refusal);
}

ngx_int_t limitRun(ngx_http_request_t* r, RequestContext& context, const LocationConf& location,
                   Refusal& refusal) noexcept {
  if (context.limits != nullptr && context.limits->is_run_judged) {
    return NGX_OK;
  }
  const KeyLimitsInForce force = keyLimits(context.key_limits, specOf(location, LimitPer::Key));
  Claims claims;
  // A dry run counts each step by itself, as if there were no other.
  const bool is_all_at_once = !isRequestJudged(context) && !force.dry_run;
  if (is_all_at_once) {
    claimForRequest(claims, force, context.key_id, true);
  } else if (const ngx_int_t rc = limitRequest(r, context, location, refusal); rc != NGX_OK) {
    return rc;
  }
  if (force.tokens.isSet()) {
    claims.of(LimitPer::Key, force.tokens_place, context.key_id, {}, force.dry_run).tokens =
        force.tokens;
  }
  const BodyScanner& body = *context.scanner;
  claimFor(claims, specOf(location, LimitPer::User), context.key_id, body.user());
  claimFor(claims, specOf(location, LimitPer::Agent), {}, context.model.view());
  std::uint64_t tokens = body.bytesSeen() / kBytesPerToken;
  if (body.hasMaxTokens()) {
    tokens = body.maxTokens() > kMaxCount ? kMaxCount : tokens + body.maxTokens();
  }
  const ngx_int_t rc = admit(r, context, claims, tokens, body.hasMaxTokens(),
                             &RequestLimits::is_run_judged, refusal);
  if (!is_all_at_once || context.limits == nullptr) {
    return rc;
  }
  RequestLimits& limits = *context.limits;
  if (rc == NGX_DECLINED && limits.has_refused && !isOfRequest(limits)) {
    // It has counted as a request before what refused it, and nothing of it was charged yet.
    return limitRequest(r, context, location, refusal) == NGX_ERROR ? NGX_ERROR : NGX_DECLINED;
  }
  limits.is_request_judged = true;
  return rc;
}

bool isRequestJudged(const RequestContext& context) noexcept {
  return context.limits != nullptr && context.limits->is_request_judged;
}

void forgoLimits(RequestContext& context) noexcept {
  if (context.limits != nullptr && context.limits->entry != kNoIndex) {
    closeEntry(*context.limits, {});
  }
}

void settleLimits(ngx_http_request_t* r, RequestContext& context) noexcept {
  if (context.is_settled) {
    return;
  }
  context.is_settled = true;
  Worker& worker = thisWorker();
  if (context.is_chat_open) {
    context.is_chat_open = false;
    worker.count(Counter::ChatsEnded);
  }
  if (context.usage) {
    countUsage(*context.usage);
  }
  RequestLimits* limits = context.limits;
  if (limits == nullptr || limits->entry == kNoIndex) {
    return;
  }
  LimitCharge charge;
  if (context.usage) {
    charge = {.tokens = tokenCount(context.usage->total_tokens),
              .completion = context.usage->completion_tokens};
    limits->charged = charge.tokens;
  } else if (mayHaveRun(r, context)) {
    const std::uint64_t events = context.sse != nullptr ? context.sse->usage.dataEvents() : 0;
    charge = {.tokens = events, .is_estimate = true};
    limits->charged = std::max(events, worker.memory->limits().reservedBy(limits->entry));
    worker.count(Counter::EstimatedTokens, limits->charged);
    worker.count(Counter::EstimatedRuns, limits->charged != 0 ? 1 : 0);
  }
  closeEntry(*limits, charge);
}

void settleAtEnd(ngx_http_request_t* r, RequestContext& context, const ngx_chain_t* in) noexcept {
  if (context.is_settled) {
    return;
  }
  bool is_end = false;
  for (; in != nullptr; in = in->next) {
    context.body_passed += ngx_buf_size(in->buf);
    is_end = is_end || in->buf->last_buf;
  }
  // With a known length the mark of the end comes after the last byte, perhaps long after.
  const off_t length = r->headers_out.content_length_n;
  if (is_end || (length >= 0 && context.body_passed >= length)) {
    settleLimits(r, context);
  }
}

void abandonLimits(RequestContext& context) noexcept {
  if (context.is_chat_open) {
    context.is_chat_open = false;
    thisWorker().count(Counter::ChatsEnded);
  }
  if (context.limits != nullptr && context.limits->entry != kNoIndex &&
      thisWorker().record != kNoIndex) {
    closeEntry(*context.limits, {.is_estimate = true});
  }
}

ngx_int_t onLog(ngx_http_request_t* r) noexcept {
  RequestContext* context = r == r->main && mainConf(r).enabled() ? findContext(r) : nullptr;
  if (context == nullptr) {
    return NGX_OK;
  }
  settleLimits(r, *context);
  const ngx_uint_t status = r->err_status != 0 ? r->err_status : r->headers_out.status;
  const ngx_uint_t hundreds = status / 100;
  const bool is_counted = hundreds >= 2 && hundreds <= 5;
  thisWorker().count(is_counted ? static_cast<Counter>(hundreds - 2) : Counter::ResponsesOther);
  return NGX_OK;
}

}  // namespace agw
