// Chat completions passed on to a plain upstream model.
#pragma once

#include "agent/model_directory.h"
#include "api/router.h"
#include "protocol/openai_chat.h"

namespace agw::api {

net::awaitable<Result<void>> plainChat(RequestContext& context, const ThreadParts& parts,
                                       protocol::ChatRequest& request,
                                       const agent::ModelEntry& entry);

}  // namespace agw::api
