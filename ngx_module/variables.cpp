#include "ngx_module/variables.h"

#include <charconv>
#include <cstdint>
#include <string_view>

#include "ngx_module/limits.h"
#include "ngx_module/pool.h"
#include "ngx_module/request_context.h"
#include "ngx_module/str.h"
#include "shared/openai_error.h"

namespace agw {
namespace {

// A getter returns an empty view for "not known (yet)".
using TextGetter = std::string_view (*)(ngx_http_request_t*, const RequestContext&) noexcept;

ngx_int_t set(ngx_http_variable_value_t* value, std::string_view text) noexcept {
  if (text.empty()) {
    value->not_found = 1;
    return NGX_OK;
  }
  value->valid = 1;
  value->no_cacheable = 0;
  value->not_found = 0;
  value->len = static_cast<unsigned>(text.size());
  value->data = borrowed(text).data;
  return NGX_OK;
}

template <TextGetter get>
ngx_int_t textVariable(ngx_http_request_t* r, ngx_http_variable_value_t* value,
                       uintptr_t) noexcept {
  const RequestContext* context = findContext(r);
  return set(value, context != nullptr ? get(r, *context) : std::string_view());
}

template <std::int64_t Usage::*count>
ngx_int_t usageVariable(ngx_http_request_t* r, ngx_http_variable_value_t* value,
                        uintptr_t) noexcept {
  const RequestContext* context = findContext(r);
  if (context == nullptr || !context->usage) {
    return set(value, {});
  }
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, (*context->usage).*count);
  const std::string_view text =
      copyToPool(r->pool, {digits, static_cast<std::size_t>(end.ptr - digits)});
  return text.empty() ? NGX_ERROR : set(value, text);
}

std::string_view requestId(ngx_http_request_t*, const RequestContext& c) noexcept {
  return c.request_id;
}
std::string_view keyId(ngx_http_request_t*, const RequestContext& c) noexcept { return c.key_id; }
std::string_view runId(ngx_http_request_t*, const RequestContext& c) noexcept { return c.run_id; }

std::string_view model(ngx_http_request_t*, const RequestContext& c) noexcept {
  return c.is_model_known ? c.model.view() : std::string_view();
}

std::string_view scopes(ngx_http_request_t*, const RequestContext& c) noexcept {
  return c.key_state == KeyState::Accepted ? formatScopes(c.scopes) : std::string_view();
}

std::string_view stream(ngx_http_request_t*, const RequestContext& c) noexcept {
  if (c.scan_status != ScanStatus::Done) {
    return {};
  }
  return c.scanner->stream() ? "true" : "false";
}

std::string_view errorCode(ngx_http_request_t*, const RequestContext& c) noexcept {
  return c.error_code ? errorEntry(*c.error_code).name : std::string_view();
}

std::string_view bodyStatus(ngx_http_request_t*, const RequestContext& c) noexcept {
  if (c.scanner == nullptr) {
    return {};
  }
  switch (c.scan_status) {
    case ScanStatus::InProgress:
      return "incomplete";
    case ScanStatus::Done:
      return "ok";
    default:
      return errorEntry(scanError(c.scan_status).code).name;
  }
}

std::string_view user(ngx_http_request_t*, const RequestContext& c) noexcept {
  return c.scan_status == ScanStatus::Done ? c.scanner->user() : std::string_view();
}

std::string_view limitStatus(ngx_http_request_t*, const RequestContext& c) noexcept {
  if (c.limits == nullptr) {
    return {};
  }
  if (!c.limits->has_refused) {
    return "passed";
  }
  return c.limits->is_dry_run ? "limited_dry_run" : "limited";
}

std::string_view limitedBy(ngx_http_request_t*, const RequestContext& c) noexcept {
  if (c.limits == nullptr || !c.limits->has_refused) {
    return {};
  }
  return limitName(c.limits->refused_per, c.limits->refused_kind);
}

std::string_view chargedTokens(ngx_http_request_t* r, const RequestContext& c) noexcept {
  if (c.limits == nullptr || c.limits->charged == 0) {
    return {};
  }
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, c.limits->charged);
  return copyToPool(r->pool, {digits, static_cast<std::size_t>(end.ptr - digits)});
}

std::string_view path(ngx_http_request_t* r, const RequestContext&) noexcept {
  const std::string_view target = view(r->main->unparsed_uri);
  return target.substr(0, target.find('?'));
}

std::string_view version(ngx_http_request_t*, const RequestContext&) noexcept {
  return AGW_VERSION;
}

struct Variable {
  ngx_str_t name;
  ngx_http_get_variable_pt get;
};
// None is cacheable: most get their value in the course of the request.
const Variable kVariables[] = {
    {ngx_string("agent_request_id"), textVariable<requestId>},
    {ngx_string("agent_key_id"), textVariable<keyId>},
    {ngx_string("agent_scopes"), textVariable<scopes>},
    {ngx_string("agent_model"), textVariable<model>},
    {ngx_string("agent_stream"), textVariable<stream>},
    {ngx_string("agent_body_status"), textVariable<bodyStatus>},
    {ngx_string("agent_prompt_tokens"), usageVariable<&Usage::prompt_tokens>},
    {ngx_string("agent_completion_tokens"), usageVariable<&Usage::completion_tokens>},
    {ngx_string("agent_total_tokens"), usageVariable<&Usage::total_tokens>},
    {ngx_string("agent_run_id"), textVariable<runId>},
    {ngx_string("agent_error_code"), textVariable<errorCode>},
    {ngx_string("agent_user"), textVariable<user>},
    {ngx_string("agent_limit_status"), textVariable<limitStatus>},
    {ngx_string("agent_limited_by"), textVariable<limitedBy>},
    {ngx_string("agent_charged_tokens"), textVariable<chargedTokens>},
    {ngx_string("agent_path"), textVariable<path>},
    {ngx_string("agent_version"), textVariable<version>},
};

}  // namespace

ngx_int_t addVariables(ngx_conf_t* cf) noexcept {
  for (const Variable& known : kVariables) {
    ngx_str_t name = known.name;
    ngx_http_variable_t* variable = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
    if (variable == nullptr) {
      return NGX_ERROR;
    }
    variable->get_handler = known.get;
  }
  return NGX_OK;
}

}  // namespace agw
