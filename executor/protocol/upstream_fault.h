// An upstream's own error inside an answer of status 200, in all its shapes. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/error.h"
#include "protocol/chat_look.h"

namespace agw::protocol {

// {"error":{…}}, {"error":"…"}, {"object":"error","message":…}, and an error inside a choice. What
// the upstream says goes to `detail`, for the log only.
std::optional<Error> faultIn(const ChatLook& look);

// An event that says that it is an error; `text` need not be JSON.
Error faultEvent(std::string_view text);

}  // namespace agw::protocol
