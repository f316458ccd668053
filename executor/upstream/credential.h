// What shows an upstream who asks.
#pragma once

#include "config/settings.h"
#include "io/http_message.h"

namespace agw::upstream {

// User-Agent, Authorization where there is a key, and the configured headers.
io::HttpHeaders credentialHeaders(const config::UpstreamSettings& settings);

}  // namespace agw::upstream
