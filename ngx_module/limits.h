// The limits of a request: judged in the access phase, shown in the response, settled at its end.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "ngx_module/conf.h"
#include "ngx_module/limit_store.h"
#include "ngx_module/ngx.h"
#include "ngx_module/request_context.h"

namespace agw {

// x-ratelimit-*: the limit of a kind that leaves the least.
struct ShownLimit {
  std::uint64_t limit = 0;  // count per window; 0: there is none to show
  std::uint64_t remaining = 0;
  Nanoseconds reset_after = 0;
};

// Of a request that some limit applies to, in its pool.
struct RequestLimits {
  std::uint32_t entry = kNoIndex;  // in the ledger
  bool is_request_judged = false;  // what is judged before the body
  bool is_run_judged = false;      // and after it
  ShownLimit requests;
  ShownLimit tokens;
  // The first that refused, or would have in a dry run.
  bool has_refused = false;
  bool is_dry_run = false;
  LimitPer refused_per = LimitPer::Key;
  LimitKind refused_kind = LimitKind::Requests;
  std::uint64_t charged = 0;  // tokens, once settled
};

// Before the body: requests and streams of the key. After it, with the model and the user known:
// tokens of the key, and all of the user and the agent; the former too, if they were not judged.
// NGX_OK, or NGX_DECLINED with the refusal described in `refusal`, or NGX_ERROR when out of memory.
ngx_int_t limitRequest(ngx_http_request_t* r, RequestContext& context, const LocationConf& location,
                       Refusal& refusal) noexcept;
ngx_int_t limitRun(ngx_http_request_t* r, RequestContext& context, const LocationConf& location,
                   Refusal& refusal) noexcept;

bool isRequestJudged(const RequestContext& context) noexcept;

// A request that was admitted and is refused for another reason gives back what it holds.
void forgoLimits(RequestContext& context) noexcept;

// The end of the response has passed: charges the tokens that were used and gives back the rest.
// Does nothing the second time.
void settleLimits(ngx_http_request_t* r, RequestContext& context) noexcept;
// The same when the chain holds the end of the response: before the client can see it, so that a
// client that then begins its next request finds its slot free.
void settleAtEnd(ngx_http_request_t* r, RequestContext& context, const ngx_chain_t* in) noexcept;
// The request's memory goes: whatever way it ended, nothing stays in the ledger.
void abandonLimits(RequestContext& context) noexcept;

// x-ratelimit-* on every response; false when out of memory.
bool addLimitHeaders(ngx_http_request_t* r, const RequestContext& context) noexcept;

// "key_requests" and the like. Static.
std::string_view limitName(LimitPer per, LimitKind kind) noexcept;

// The log phase: settles what is open, and counts.
ngx_int_t onLog(ngx_http_request_t* r) noexcept;

}  // namespace agw
