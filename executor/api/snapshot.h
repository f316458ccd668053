// The parts that endpoints work with, built by app.cpp.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/model_directory.h"
#include "api/reload_control.h"
#include "api/thread_control.h"
#include "config/settings.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "telemetry/recent_errors.h"
#include "tool/tool_set.h"
#include "upstream/health_checks.h"
#include "upstream/registry.h"
#include "upstream/shared_state.h"

namespace agw::api {

// One loaded configuration, shared by all threads. A request keeps the one that it began with.
struct Configuration {
  Configuration(std::shared_ptr<const config::Settings> loaded, std::uint64_t number,
                const upstream::DiscoveredModels& discovered = {})
      : settings(std::move(loaded)), directory(*settings, discovered), generation(number) {}

  std::shared_ptr<const config::Settings> settings;
  agent::ModelDirectory directory;
  std::uint64_t generation;
};

// Of the process: shared by all threads, immutable but for what may be used by all at once.
struct Service {
  const std::vector<std::string>& edge_secrets;
  telemetry::Log& log;
  std::int64_t started_unix = 0;  // "created" of every model
  std::atomic<bool> draining{false};
  std::atomic<unsigned> open_requests{0};  // but for probes
  unsigned max_open_requests = 8000;       // set before the first request
  telemetry::Metrics metrics{};
  telemetry::RecentErrors errors{};
  upstream::SharedState upstreams{};
  // Set before the first request.
  ReloadControl* reload = nullptr;
  ThreadControl* threads = nullptr;
  upstream::HealthChecks* health = nullptr;
};

// One thread's own, for one configuration.
struct ThreadParts {
  const Service& service;
  std::shared_ptr<const Configuration> configuration;
  std::shared_ptr<const upstream::Registry> upstreams;
  std::shared_ptr<tool::ToolSet> tools;
  telemetry::MetricsShard& metrics;
};

// What requests of a thread begin with; replaced by a reload, on the thread itself.
struct CurrentParts {
  std::shared_ptr<const ThreadParts> parts;
};

}  // namespace agw::api
