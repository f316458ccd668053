#include "protocol/option_check.h"

#include "protocol/request_fault.h"

namespace agw::protocol {
namespace {

Result<void> checkResponseFormat(const Json& request) {
  if (auto format = checkObject(request, "response_format", ""); !format) return format;
  const Json* format = findMember(request, "response_format");
  if (format == nullptr) return {};
  if (auto type = needString(*format, "type", "response_format"); !type) return type;
  return checkObject(*format, "json_schema", "response_format");
}

}  // namespace

Result<void> checkOptions(const Json& request) {
  for (const auto* key : {"temperature", "top_p", "presence_penalty", "frequency_penalty"}) {
    const Json* value = findMember(request, key);
    if (value != nullptr && !value->is_number()) return wrongType(key, "a number");
  }
  for (const auto* key : {"parallel_tool_calls", "logprobs", "store"}) {
    const Json* value = findMember(request, key);
    if (value != nullptr && !value->is_boolean()) return wrongType(key, "true or false");
  }
  const Json* top_logprobs = findMember(request, "top_logprobs");
  if (top_logprobs != nullptr && !top_logprobs->is_number_integer()) {
    return wrongType("top_logprobs", "a whole number");
  }
  return checkResponseFormat(request);
}

}  // namespace agw::protocol
