// The request of one upstream: what it does not take is rewritten or left out. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace agw::protocol {

// What of a chat completion request is sent otherwise.
struct RequestChanges {
  std::string_view model;             // "": as it is
  bool system_for_developer = false;  // the role of messages
  bool drop_stream_options = false;
  bool drop_parallel_tool_calls = false;
  bool max_tokens_for_completion_tokens = false;
  std::vector<std::string_view> drop_fields;  // "user"; "messages.refusal": lists are gone into

  bool empty() const;
};

// `body` is a chat completion request that was accepted, no key of an object twice. What is not
// changed keeps every byte.
std::string changeRequest(std::string_view body, const RequestChanges& changes);

}  // namespace agw::protocol
