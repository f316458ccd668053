// Why a choice ended, in the words of the protocol. Pure.
#pragma once

#include <string_view>

namespace agw::protocol {

enum class FinishReason {
  None,  // not yet
  Stop,
  Length,
  ToolCalls,
  ContentFilter,
  FunctionCall,
  Failed,  // the upstream says that it could not go on
};

// `json` is the value of "finish_reason". Words of other protocols and servers are translated, any
// case; a word that nobody knows is an ordinary end.
FinishReason readFinishReason(std::string_view json);
// "" for None and Failed.
std::string_view finishReasonName(FinishReason reason);

}  // namespace agw::protocol
