#include "upstream/credential.h"

namespace agw::upstream {

io::HttpHeaders credentialHeaders(const config::UpstreamSettings& settings) {
  io::HttpHeaders headers = {{"User-Agent", "agent-gateway"}};
  if (!settings.api_key.empty()) headers.push_back({"Authorization", "Bearer " + settings.api_key});
  for (const config::HeaderSetting& header : settings.headers) {
    headers.push_back({header.name, header.value});
  }
  return headers;
}

}  // namespace agw::upstream
