#include "ngx_module/limit_text.h"

#include <algorithm>

#include "ngx_module/limits.h"
#include "ngx_module/str.h"

namespace agw {
namespace {

constexpr Nanoseconds kMillisecond = 1'000'000;
constexpr Nanoseconds kSecond = 1'000'000'000;

std::string_view windowName(std::uint32_t seconds) noexcept {
  switch (seconds) {
    case 1:
      return "second";
    case 60:
      return "minute";
    case 3'600:
      return "hour";
    default:
      return "day";
  }
}

u_char* put(u_char* out, std::string_view text) noexcept {
  return ngx_cpymem(out, text.data(), text.size());
}

u_char* putParty(u_char* out, LimitPer per, std::string_view model) noexcept {
  switch (per) {
    case LimitPer::Key:
      return put(out, "this API key");
    case LimitPer::User:
      return put(out, "this user of the API key");
    case LimitPer::Agent:
      break;
  }
  out = put(out, "the agent \"");
  out = put(out, model);
  return put(out, "\"");
}

u_char* putRate(u_char* out, const RateLimit& limit, const char* what) noexcept {
  const std::string_view window = windowName(limit.window_seconds);
  out = ngx_sprintf(out, "%uL %s per %*s", limit.count, what, window.size(), window.data());
  return limit.burst != limit.count ? ngx_sprintf(out, ", at most %uL at once", limit.burst) : out;
}

bool addHeader(ngx_http_request_t* r, std::string_view name, const u_char* begin,
               const u_char* end) noexcept {
  auto* header = static_cast<ngx_table_elt_t*>(ngx_list_push(&r->headers_out.headers));
  const auto size = static_cast<std::size_t>(end - begin);
  auto* value = static_cast<u_char*>(ngx_pnalloc(r->pool, size));
  if (header == nullptr || value == nullptr) {
    return false;
  }
  ngx_memcpy(value, begin, size);
  ngx_memzero(header, sizeof *header);
  header->hash = 1;
  header->key = borrowed(name);
  header->value = {size, value};
  return true;
}

struct Names {
  std::string_view limit;
  std::string_view remaining;
  std::string_view reset;
};
constexpr Names kRequestNames{"x-ratelimit-limit-requests", "x-ratelimit-remaining-requests",
                              "x-ratelimit-reset-requests"};
constexpr Names kTokenNames{"x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens",
                            "x-ratelimit-reset-tokens"};

bool addShown(ngx_http_request_t* r, const Names& names, const ShownLimit& shown) noexcept {
  if (shown.limit == 0) {
    return true;
  }
  u_char text[32];
  return addHeader(r, names.limit, text, ngx_sprintf(text, "%uL", shown.limit)) &&
         addHeader(r, names.remaining, text, ngx_sprintf(text, "%uL", shown.remaining)) &&
         addHeader(r, names.reset, text, writeDuration(text, shown.reset_after));
}

}  // namespace

std::uint64_t retrySeconds(Nanoseconds retry_after) noexcept {
  return static_cast<std::uint64_t>(std::max<Nanoseconds>(1, (retry_after + kSecond - 1) / kSecond));
}

u_char* writeDuration(u_char* out, Nanoseconds span) noexcept {
  if (span < kSecond) {
    return ngx_sprintf(out, "%Lms", static_cast<std::int64_t>((span + kMillisecond - 1) / kMillisecond));
  }
  const std::int64_t seconds = (span + kSecond - 1) / kSecond;
  if (seconds >= 3'600) {
    out = ngx_sprintf(out, "%Lh", seconds / 3'600);
  }
  if (seconds >= 60) {
    out = ngx_sprintf(out, "%Lm", seconds / 60 % 60);
  }
  return ngx_sprintf(out, "%Ls", seconds % 60);
}

std::string_view refusalText(ngx_pool_t* pool, const LimitClaim& claim, const LimitOutcome& outcome,
                             std::uint64_t tokens, std::string_view model) noexcept {
  constexpr std::size_t kLongest = 320;
  auto* text = static_cast<u_char*>(ngx_pnalloc(pool, kLongest + model.size()));
  if (text == nullptr) {
    return {};
  }
  u_char* end = text;
  switch (outcome.kind) {
    case LimitKind::Requests:
      end = put(end, "Rate limit reached for ");
      end = putParty(end, claim.per, model);
      end = put(end, ": ");
      end = putRate(end, claim.requests, "requests");
      break;
    case LimitKind::Tokens:
      end = put(end, "Token limit reached for ");
      end = putParty(end, claim.per, model);
      end = put(end, ": ");
      end = putRate(end, claim.tokens, "tokens");
      end = ngx_sprintf(end, "; this request may take %uL", tokens);
      break;
    case LimitKind::Streams:
      end = put(end, "Too many requests at once for ");
      end = putParty(end, claim.per, model);
      end = ngx_sprintf(end, ": %uD may be in flight. Try again when one has ended.", claim.streams);
      return view(text, end);
  }
  end = ngx_sprintf(end, ". Try again in %uL s.", retrySeconds(outcome.retry_after));
  return view(text, end);
}

bool addLimitHeaders(ngx_http_request_t* r, const RequestContext& context) noexcept {
  const RequestLimits* limits = context.limits;
  if (limits == nullptr) {
    return true;
  }
  if (!addShown(r, kRequestNames, limits->requests) || !addShown(r, kTokenNames, limits->tokens)) {
    return false;
  }
  if (!limits->has_refused || limits->is_dry_run) {
    return true;
  }
  u_char text[32];
  const Nanoseconds wait = std::max(limits->retry_after, kMillisecond);
  return addHeader(r, "Retry-After", text,
                   ngx_sprintf(text, "%uL", retrySeconds(limits->retry_after))) &&
         (limits->refused_kind == LimitKind::Streams ||
          addHeader(r, "retry-after-ms", text,
                    ngx_sprintf(text, "%L", static_cast<std::int64_t>((wait + kMillisecond - 1) / kMillisecond))));
}

std::string_view limitName(LimitPer per, LimitKind kind) noexcept {
  constexpr std::string_view kNames[kLimitPers][kLimitKinds] = {
      {"key_requests", "key_tokens", "key_streams"},
      {"user_requests", "user_tokens", "user_streams"},
      {"agent_requests", "agent_tokens", "agent_streams"},
  };
  return kNames[static_cast<std::size_t>(per)][static_cast<std::size_t>(kind)];
}

}  // namespace agw
