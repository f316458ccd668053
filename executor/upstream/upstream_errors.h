// What an upstream's refusal means for the gateway's client. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/deadline.h"
#include "base/error.h"

namespace agw::upstream {

// For every status but 200. 401 and 403 are about our credential, not the client's; 400, 404,
// 413 and 422 keep their status and the upstream's own text (it speaks of the client's request);
// the rest hides behind 502 and 504. Error::retryable: the same call may soon have another answer.
Error upstreamStatusError(int status, std::string_view body, std::optional<Millis> retry_after);

}  // namespace agw::upstream
