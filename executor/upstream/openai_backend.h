// An OpenAI-compatible server as ChatBackend.
#pragma once

#include <memory>

#include "config/settings.h"
#include "io/http_client.h"
#include "upstream/chat_backend.h"

namespace agw::upstream {

// `client` and `settings` outlive the backend.
std::unique_ptr<ChatBackend> makeOpenAiBackend(io::HttpClient& client,
                                               const config::UpstreamSettings& settings);

}  // namespace agw::upstream
