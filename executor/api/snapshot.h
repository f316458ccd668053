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
#include "config/settings.h"
#include "telemetry/log.h"
#include "tool/tool_set.h"
#include "upstream/registry.h"

namespace agw::api {

// One loaded configuration, shared by all threads. A request keeps the one that it began with.
struct Configuration {
  Configuration(std::shared_ptr<const config::Settings> loaded, std::uint64_t number)
      : settings(std::move(loaded)), directory(*settings), generation(number) {}

  std::shared_ptr<const config::Settings> settings;
  agent::ModelDirectory directory;
  std::uint64_t generation;
};

// Of the process: shared by all threads, immutable but for the flag and what locks itself.
struct Service {
  const std::vector<std::string>& edge_secrets;
  telemetry::Log& log;
  std::int64_t started_unix = 0;  // "created" of every model
  std::atomic<bool> draining{false};
  ReloadControl* reload = nullptr;  // set before the first request
};

// One thread's own, for one configuration.
struct ThreadParts {
  const Service& service;
  std::shared_ptr<const Configuration> configuration;
  std::shared_ptr<const upstream::Registry> upstreams;
  std::shared_ptr<const tool::ToolSet> tools;
};

// What requests of a thread begin with; replaced by a reload, on the thread itself.
struct CurrentParts {
  std::shared_ptr<const ThreadParts> parts;
};

}  // namespace agw::api
