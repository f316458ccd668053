// One upstream on one thread: makes a single call of it, within its limits. No second attempt.
#pragma once

#include <memory>
#include <string>

#include "config/settings.h"
#include "io/http_client.h"
#include "protocol/upstream_request.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "upstream/chat_backend.h"
#include "upstream/shared_state.h"

namespace agw::upstream {

class Endpoint {
 public:
  // All but `state` outlive the endpoint and its answers.
  Endpoint(io::HttpClient& client, const config::UpstreamSettings& settings,
           std::shared_ptr<UpstreamState> state, telemetry::MetricsShard& metrics,
           telemetry::Log& log);

  const config::UpstreamSettings& settings() const { return settings_; }
  const UpstreamState& state() const { return *state_; }

  // Waits for a slot first, and for the first chunk last. `model`: as this upstream knows it; ""
  // for the one in the body. The answer holds the slot until its end.
  net::awaitable<Result<std::unique_ptr<ChatAnswer>>> open(ChatCall call, std::string_view model);

 private:
  Error overloaded() const;
  Error unavailable() const;

  const config::UpstreamSettings& settings_;
  const std::shared_ptr<UpstreamState> state_;
  telemetry::MetricsShard& metrics_;
  telemetry::Log& log_;
  const std::unique_ptr<ChatBackend> backend_;
  protocol::RequestChanges changes_;
};

}  // namespace agw::upstream
