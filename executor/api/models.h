// GET /v1/models and /v1/models/{id}: what this key may use, from memory.
#pragma once

#include "api/router.h"

namespace agw::api {

net::awaitable<Result<void>> listModels(RequestContext& context, const ThreadParts& parts);
// 404 for what is unknown and for what the key may not use alike.
net::awaitable<Result<void>> getModel(RequestContext& context, const ThreadParts& parts);

}  // namespace agw::api
