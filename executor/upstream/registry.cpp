#include "upstream/registry.h"

#include "upstream/openai_backend.h"

namespace agw::upstream {

Registry::Registry(net::io_context& context, const config::Settings& settings,
                   const Registry* previous) {
  for (const auto& [name, upstream] : settings.upstreams) {
    auto& client = clients_[upstream.ca_pem];
    if (!client && previous != nullptr) {
      const auto known = previous->clients_.find(upstream.ca_pem);
      if (known != previous->clients_.end()) client = known->second;
    }
    if (!client) {
      io::HttpClientOptions options;
      options.ca_pem = upstream.ca_pem;
      client = io::makeHttpClient(context, options);
    }
    backends_[name] = makeOpenAiBackend(*client, upstream);
  }
}

ChatBackend* Registry::find(const std::string& name) const {
  const auto found = backends_.find(name);
  return found == backends_.end() ? nullptr : found->second.get();
}

}  // namespace agw::upstream
