// Where the parts of a chat completion or of one chunk of it lie, as an upstream wrote it. Views
// into the text; an empty view is an absent member. Nothing is judged here but that it is JSON.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace agw::protocol {

struct MemberLook {
  std::string_view key;  // with its quotes
  std::string_view value;
};
using MemberLooks = boost::container::small_vector<MemberLook, 6>;

// The members of a "delta" or a "message".
struct DeltaLook {
  std::string_view role;
  std::string_view content;
  std::string_view tool_calls;
  std::string_view function_call;
  MemberLooks others;
};

struct ChoiceLook {
  std::string_view raw;
  std::string_view index;
  std::string_view delta;
  std::string_view message;
  std::string_view text;
  std::string_view logprobs;
  std::string_view finish_reason;
  std::string_view error;
  MemberLooks others;  // "message" and "text" too when there is a delta
  DeltaLook said;      // of the delta object, or for want of one of the message object
};

struct ChatLook {
  std::string_view usage;
  std::string_view error;
  std::string_view object;
  std::string_view choices;
  // Everything but these and what is ours to say: id, created, model.
  MemberLooks others;
  std::size_t others_before_choices = 0;
  boost::container::small_vector<ChoiceLook, 1> choice;

  bool is_object = false;  // false: another JSON value
  // False: broken UTF-8, a half of a surrogate pair or a raw control character in a string.
  bool clean_text = true;
  // A known member stands twice (the last one counts), or its name is written with escapes, or
  // "choices" is no array of objects: nothing of it can be passed on as it is.
  bool odd = false;
};

enum class LookFault { None, NoJson, Cut };

// Looks at the first JSON value of `text`; `size` gets where it ends. Cut: the text stops inside
// it.
LookFault lookAtChat(std::string_view text, ChatLook& look, std::size_t& size);

// One element of "tool_calls", or a legacy "function_call".
struct CallLook {
  std::string_view raw;
  std::string_view index;
  std::string_view id;
  std::string_view type;
  std::string_view name;
  std::string_view arguments;
  bool custom = false;  // a call of a custom tool: it has no function
  bool odd = false;     // no object, or its function's members stand beside it
  MemberLooks others;
  MemberLooks function_others;
};
using CallLooks = boost::container::small_vector<CallLook, 1>;

// `json` has been looked at: an array, or one element in its place.
void lookAtCalls(std::string_view json, CallLooks& calls);
void lookAtFunctionCall(std::string_view json, CallLooks& calls);

inline bool isString(std::string_view json) { return !json.empty() && json.front() == '"'; }
inline bool isObject(std::string_view json) { return !json.empty() && json.front() == '{'; }
inline bool isArray(std::string_view json) { return !json.empty() && json.front() == '['; }
// Absent or null.
inline bool isNothing(std::string_view json) { return json.empty() || json == "null"; }

// What a string means, flaws mended; "" for what is no string.
std::string stringOf(std::string_view json);
// A string's meaning, or the text of any other value but null.
std::string textOf(std::string_view json);
// More than null and an empty string.
inline bool hasText(std::string_view json) { return !isNothing(json) && json != R"("")"; }
// Nothing, or a string of white space alone.
bool isBlank(std::string_view json);
// A whole number from 0 to 999999, also written as 1.0 or "1".
std::optional<unsigned> numberOf(std::string_view json);

}  // namespace agw::protocol
