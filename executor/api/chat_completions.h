// POST /v1/chat/completions, for agents and for plain upstream models, streaming and not.
#pragma once

#include "api/router.h"

namespace agw::api {

net::awaitable<Result<void>> chatCompletions(RequestContext& context, const ThreadParts& parts);

}  // namespace agw::api
