#include "ngx_module/limit_text.h"

#include <algorithm>

#include "ngx_module/limits.h"
#include "ngx_module/response_headers.h"
#include "ngx_module/str.h"

namespace agw {
namespace {

constexpr Nanoseconds kMillisecond = 1'000'000;
constexpr Nanoseconds kSecond = 1'000'000'000;
constexpr std::size_t kNumberRoom = 20;  // digits of 64 bits
constexpr std::size_t kDurationRoom = 32;

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
  auto* limit = static_cast<u_char*>(ngx_pnalloc(r->pool, 2 * kNumberRoom + kDurationRoom));
  if (limit == nullptr) {
    return false;
  }
  u_char* const remaining = putNumber(limit, shown.limit);
  u_char* const reset = putNumber(remaining, shown.remaining);
  return addResponseHeader(r, names.limit, view(limit, remaining)) &&
         addResponseHeader(r, names.remaining, view(remaining, reset)) &&
         addResponseHeader(r, names.reset, view(reset, writeDuration(reset, shown.reset_after)));
}

}  // namespace

std::uint64_t retrySeconds(Nanoseconds wait) noexcept {
  return static_cast<std::uint64_t>(std::max<Nanoseconds>(1, (wait + kSecond - 1) / kSecond));
}

std::uint64_t retryMilliseconds(Nanoseconds wait) noexcept {
  return static_cast<std::uint64_t>(
      std::max<Nanoseconds>(1, (wait + kMillisecond - 1) / kMillisecond));
}

u_char* writeDuration(u_char* out, Nanoseconds span) noexcept {
  const auto put_unit = [&out](Nanoseconds number, std::string_view unit) {
    out = put(putNumber(out, static_cast<std::uint64_t>(number)), unit);
  };
  if (span < kSecond) {
    put_unit((span + kMillisecond - 1) / kMillisecond, "ms");
    return out;
  }
  const Nanoseconds seconds = (span + kSecond - 1) / kSecond;
  if (seconds >= 3'600) {
    put_unit(seconds / 3'600, "h");
  }
  if (seconds >= 60) {
    put_unit(seconds / 60 % 60, "m");
  }
  put_unit(seconds % 60, "s");
  return out;
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
      end =
          ngx_sprintf(end, ": %uD may be in flight. Try again when one has ended.", claim.streams);
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
  return addShown(r, kRequestNames, limits->requests) && addShown(r, kTokenNames, limits->tokens);
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
