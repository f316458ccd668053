// Chat completions answered by an agent's run.
#pragma once

#include "api/router.h"
#include "config/settings.h"
#include "protocol/openai_chat.h"

namespace agw::api {

net::awaitable<Result<void>> agentChat(RequestContext& context, const ThreadParts& parts,
                                       const protocol::ChatRequest& request,
                                       const config::AgentSettings& agent);

}  // namespace agw::api
