#include "ngx_module/cors.h"

#include <algorithm>
#include <string_view>

#include "ngx_module/conf_text.h"
#include "ngx_module/request_headers.h"
#include "ngx_module/response_headers.h"
#include "ngx_module/str.h"
#include "shared/glob.h"

namespace agw {
namespace {

constexpr std::string_view kMethods = "GET, HEAD, POST, PUT, PATCH, DELETE";
// Beside the few that pages may always read.
constexpr std::string_view kExposed =
    "x-request-id, x-agent-run-id, retry-after, retry-after-ms, x-should-retry, "
    "x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests, "
    "x-ratelimit-limit-tokens, x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens, "
    "mcp-session-id, www-authenticate";
constexpr std::size_t kMaxAskedHeaders = 1024;

std::string_view requestHeader(ngx_http_request_t* r, std::string_view lower) noexcept {
  std::string_view value;
  forEachHeader(r->headers_in.headers, [&](const ngx_table_elt_t& header) {
    if (isHeaderName(view(header.key), lower)) {
      value = view(header.value);
    }
  });
  return value;
}

bool isAllowed(const ngx_array_t& origins, std::string_view origin) noexcept {
  const auto* patterns = static_cast<const ngx_str_t*>(origins.elts);
  return std::any_of(patterns, patterns + origins.nelts, [origin](const ngx_str_t& pattern) {
    return globMatches(view(pattern), origin);
  });
}

// "*", or scheme://host[:port] with '*' for a part of the host.
bool isOrigin(std::string_view text) noexcept {
  if (text == "*" || text == "null") {
    return true;
  }
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos || colon == 0 || colon + 3 == text.size()) {
    return false;
  }
  const std::string_view host = text.substr(colon + 3);
  return host.find_first_of("/?#@ \t") == std::string_view::npos;
}

// What the page asks to send; echoed, since SDKs send headers of their own making.
bool isHeaderList(std::string_view text) noexcept {
  return text.size() <= kMaxAskedHeaders && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("-_., ").find(c) != std::string_view::npos;
         });
}

}  // namespace

char* setCors(ngx_conf_t* cf, ngx_command_t*, void* data) noexcept {
  auto& conf = *static_cast<LocationConf*>(data);
  if (conf.cors != nullptr) {
    return isDuplicate();
  }
  conf.cors = ngx_array_create(cf->pool, 4, sizeof(ngx_str_t));
  ngx_str_t* const value = arguments(cf);
  if (conf.cors == nullptr || (cf->args->nelts == 2 && view(value[1]) == "off")) {
    return conf.cors == nullptr ? confError() : NGX_CONF_OK;
  }
  for (ngx_uint_t i = 1; i < cf->args->nelts; ++i) {
    if (!isOrigin(view(value[i]))) {
      ngx_conf_log_error(
          NGX_LOG_EMERG, cf, 0,
          "invalid origin \"%V\" in \"agent_cors\"; write scheme://host[:port] without "
          "a path, as in https://app.example.com or https://*.example.com, or *",
          &value[i]);
      return confError();
    }
    auto* origin = static_cast<ngx_str_t*>(ngx_array_push(conf.cors));
    if (origin == nullptr) {
      return confError();
    }
    *origin = value[i];
  }
  return NGX_CONF_OK;
}

Cors judgeCors(ngx_http_request_t* r, RequestContext& context) noexcept {
  const ngx_array_t* origins = locationConf(r).cors;
  if (origins == nullptr || origins->nelts == 0) {
    return Cors::None;
  }
  context.is_cors_judged = true;
  const std::string_view origin = requestHeader(r, "origin");
  const bool is_allowed = !origin.empty() && isAllowed(*origins, origin);
  context.cors_origin = is_allowed ? origin : std::string_view();
  const bool is_preflight = r->method == NGX_HTTP_OPTIONS && !origin.empty() &&
                            !requestHeader(r, "access-control-request-method").empty();
  if (!is_preflight) {
    return Cors::None;
  }
  context.is_preflight = is_allowed;
  return is_allowed ? Cors::Preflight : Cors::Forbidden;
}

bool addCorsHeaders(ngx_http_request_t* r, RequestContext& context) noexcept {
  // A request that was refused before the access phase is judged here.
  if (!context.is_cors_judged) {
    judgeCors(r, context);
    context.is_preflight = false;
  }
  if (!context.is_cors_judged) {
    return true;
  }
  if (!addResponseHeader(r, "Vary", "Origin")) {
    return false;
  }
  if (context.cors_origin.empty()) {
    return true;
  }
  if (!addResponseHeader(r, "Access-Control-Allow-Origin", context.cors_origin)) {
    return false;
  }
  if (!context.is_preflight) {
    return addResponseHeader(r, "Access-Control-Expose-Headers", kExposed);
  }
  const std::string_view asked = requestHeader(r, "access-control-request-headers");
  return addResponseHeader(r, "Access-Control-Allow-Methods", kMethods) &&
         (asked.empty() || !isHeaderList(asked) ||
          addResponseHeader(r, "Access-Control-Allow-Headers", asked)) &&
         addResponseHeader(r, "Access-Control-Max-Age", "600");
}

}  // namespace agw
