// The parts that endpoints work with, built by app.cpp.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/model_directory.h"
#include "config/settings.h"
#include "telemetry/log.h"
#include "tool/tool_set.h"
#include "upstream/registry.h"

namespace agw::api {

// Shared by all threads, immutable but for the flag.
struct Service {
  const config::Settings& settings;
  const agent::ModelDirectory& directory;
  const std::vector<std::string>& edge_secrets;
  telemetry::Log& log;
  std::int64_t started_unix = 0;  // "created" of every model
  std::atomic<bool> draining{false};
};

// One thread's own.
struct ThreadParts {
  const Service& service;
  const upstream::Registry& upstreams;
  const tool::ToolSet& tools;
};

}  // namespace agw::api
